import type { Plan } from '../../src/core/plan.ts';
import type { Sample } from '../../src/core/sample.ts';
import type { Arm, Ms } from '../../src/core/units.ts';
import { type Counters, START, since, type Trouble, type World } from './world.ts';

/** What a metrics store answers about the pretended cluster. */
export const sampleOf = (world: World, plan: Plan, metric: string, of: Arm, from: Ms, trouble: Trouble): Sample => {
  const isEmpty = !since(trouble.dataFrom, world) || (of === 'canary' && (world.canary?.ready ?? 0) === 0);
  if (isEmpty) return { metric, arm: of, kind: 'no-data', why: 'empty' };
  const spec = plan.metrics.find(({ name }) => name === metric);
  if (spec?.kind === 'measured') {
    const isNew = of === 'canary' || world.stableImage === 'new';
    return { metric, arm: of, kind: 'value', value: isNew ? trouble.latency : 0.1, at: world.now };
  }
  const points = scraped(world, of, from, trouble);
  const series = (value: (point: Counters['points'][number]) => number) => ({
    id: of,
    pod: of,
    points: points.map((point) => [point.at, value(point)] as const),
  });
  const requests = series((point) => point.requests);
  if (spec?.kind !== 'latency')
    return { metric, arm: of, kind: 'counters', requests: [requests], failures: [series(({ failures }) => failures)] };
  const { bounds = [] } = plan.judgement.metrics[metric] ?? {};
  const fast = series((point) => point.requests - point.slow);
  return {
    metric,
    arm: of,
    kind: 'buckets',
    buckets: [...bounds.map((bound) => ({ ...fast, bound })), { ...requests, bound: Number.POSITIVE_INFINITY }],
  };
};

const LAG: Ms = 3_000;

/** Asked every other time, the store that lags has what was so three seconds before. */
const scraped = (world: World, of: Arm, from: Ms, { lagsAt }: Trouble): Counters['points'] => {
  const { points } = world.counters[of];
  const lags = lagsAt !== null && world.now - START >= lagsAt && Math.floor(world.now / 5_000) % 2 === 0;
  return (lags ? points.map((point) => ({ ...point, at: point.at + LAG })) : points).filter(
    ({ at }) => at >= from && at <= world.now,
  );
};
