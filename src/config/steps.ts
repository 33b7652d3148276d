import type { Step } from '../core/spec.ts';
import { ALL_TRAFFIC, type BasisPoints, type Ms } from '../core/units.ts';
import { formatDuration, parseDuration } from './durations.ts';
import { durationOf, type Given, type Reading } from './fields.ts';
import { reportKeys } from './metrics.ts';
import { STEP_KEYS } from './shape.ts';
import { entryOf, type MapTree, type Place, piecesOf } from './tree.ts';
import { formatPercent, parseWeight, readWeights, risingProblem } from './weights.ts';
import { quote } from './words.ts';

const SECOND = 1_000;
const INTERVAL_DEFAULT_MS = 60 * SECOND;
const SHORT_INTERVAL_MS = 10 * SECOND;
const WEIGHTS_DEFAULT: readonly BasisPoints[] = [500, 1_000, 2_000, 5_000, 8_000];
/** With `replicas` a weight of 80 would need four canary pods for each stable one. */
const REPLICAS_WEIGHTS_DEFAULT: readonly BasisPoints[] = [500, 1_000, 2_000, 5_000];
/** Several lists of steps on one workload are a mistake long before this. */
const MOST_STEPS = 100;

/** The steps, from `steps` or from `weights` and `interval`; null after reporting every mistake. */
export const readSteps = (reading: Reading, splitBy: 'router' | 'replicas'): readonly Step[] | null => {
  const list = reading.given('steps');
  const steps = list === null ? fromWeights(reading, splitBy) : fromList(list, reading);
  if (list !== null) reportBoth(reading, list);
  if (steps === null) return null;
  const place = placeOfSteps(reading);
  if (steps.length > MOST_STEPS) reading.report(place, `${steps.length} steps are too many; at most ${MOST_STEPS}`);
  if (splitBy === 'replicas' && steps.some((step) => step.weight >= ALL_TRAFFIC)) {
    reading.report(
      place,
      'weight `100` cannot be reached with `route: replicas`, where stable keeps its pods; end below 100',
    );
  }
  warnOfShort(steps, reading);
  return steps;
};

/** Where mistakes that concern all steps are shown. */
export const placeOfSteps = (reading: Reading): Place =>
  (reading.given('steps') ?? reading.given('weights') ?? reading.given('interval'))?.tree.place ?? {
    file: 'weights',
    line: null,
    column: null,
    path: '',
  };

const reportBoth = (reading: Reading, list: Given): void => {
  for (const name of ['weights', 'interval']) {
    const other = reading.given(name);
    if (other !== null)
      reading.report(
        other.tree.place,
        `\`${name}\` and \`steps\` are both given (\`${list.tree.place.file}\`); \`steps\` replaces \`weights\` and \`interval\``,
      );
  }
};

const warnOfShort = (steps: readonly Step[], reading: Reading): void => {
  const shortest = Math.min(...steps.map((step) => step.intervalMs));
  if (shortest >= SHORT_INTERVAL_MS) return;
  reading.warn(
    `an interval of \`${formatDuration(shortest)}\` is short: few requests and few samples are judged; \`10s\` or more is better`,
  );
};

const fromWeights = (reading: Reading, splitBy: 'router' | 'replicas'): readonly Step[] | null => {
  const intervalMs = durationOf(reading, 'interval', INTERVAL_DEFAULT_MS, SECOND);
  const given = reading.given('weights');
  const fallback = splitBy === 'replicas' ? REPLICAS_WEIGHTS_DEFAULT : WEIGHTS_DEFAULT;
  if (given !== null && reading.broken(given.tree.place.path)) return null;
  const weights = given === null ? fallback : readWeights(piecesOf(given.tree), given.tree.place, reading.report);
  return weights?.map((weight) => ({ weight, intervalMs, approval: false })) ?? null;
};

const fromList = (given: Given, reading: Reading): readonly Step[] | null => {
  if (given.tree.kind !== 'list') return null;
  const steps = given.tree.items.flatMap((item) => {
    const step = item.kind === 'map' ? readStep(item, reading) : null;
    return step === null ? [] : [step];
  });
  const falling = risingProblem(steps.map((step) => step.weight));
  if (falling !== null) reading.report(given.tree.place, falling);
  return falling === null && steps.length === given.tree.items.length ? steps : null;
};

const readStep = (tree: MapTree, reading: Reading): Step | null => {
  reportKeys(tree, STEP_KEYS, reading.report);
  const scalar = (key: string) => {
    const value = entryOf(tree, key)?.value;
    return value?.kind === 'scalar' && !reading.broken(value.place.path) ? value : null;
  };
  const weightTree = scalar('weight');
  const weight = weightTree === null ? null : parseWeight(weightTree.text.trim());
  if (weightTree !== null && weight?.ok === false) reading.report(weightTree.place, weight.problem);
  const intervalTree = scalar('interval');
  const interval = intervalTree === null ? null : parseDuration(intervalTree.text.trim(), SECOND);
  if (intervalTree !== null && interval?.ok === false) reading.report(intervalTree.place, interval.problem);
  if (weight?.ok !== true || interval?.ok === false) return null;
  return {
    weight: weight.value,
    intervalMs: interval?.value ?? INTERVAL_DEFAULT_MS,
    approval: scalar('approval')?.value === true,
  };
};

/** The steps alone must fit into the whole: otherwise every healthy release would end in a timeout. */
export const reportTooLong = (steps: readonly Step[], timeoutMs: Ms, reading: Reading): void => {
  const total = steps.reduce((sum, step) => sum + step.intervalMs, 0);
  if (total < timeoutMs) return;
  const place = reading.given('timeout')?.tree.place ?? placeOfSteps(reading);
  const weights = quote(steps.map((step) => formatPercent(step.weight)).join(', '));
  reading.report(
    place,
    `holding the weights ${weights} takes \`${formatDuration(total)}\`, and the \`timeout\` is \`${formatDuration(timeoutMs)}\``,
  );
};
