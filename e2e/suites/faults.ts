import { API_FAULTS, type NamedFault } from '../faults/api-faults.ts';
import type { Side } from '../faults/inject.ts';
import { inLanes } from '../faults/lanes.ts';
import { METRICS_FAULTS, SILENCING_FAULTS } from '../faults/metrics-faults.ts';
import { MOMENTS, type Moment } from '../faults/moments.ts';
import { openStackWorld } from '../faults/stack-world.ts';
import { cellOf, faultTable, type Row } from '../faults/table.ts';
import { dossierOf, problemsOf, runTrial, type Tried } from '../faults/trial.ts';
import type { World } from '../faults/world.ts';
import type { Context } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { randomOf } from '../stack/random.ts';

/** Words of a case's name, `api 422 while` or all of it: these cases alone. */
const ONLY = process.env['CANARY_FAULT'] ?? '';

interface FaultCase {
  readonly side: Side;
  readonly fault: NamedFault;
  readonly moment: Moment;
  /** Tells the releases of one namespace apart. */
  readonly number: number;
}

const faultsOf = (side: Side): readonly NamedFault[] => (side === 'api' ? API_FAULTS : METRICS_FAULTS);

const CASES: readonly FaultCase[] = (['api', 'metrics'] as const)
  .flatMap((side) => faultsOf(side).flatMap((fault) => MOMENTS.map((moment) => ({ side, fault, moment }))))
  .map((one, index) => ({ ...one, number: index + 1 }));

interface Expected {
  readonly status: string;
  readonly reasonCodes: readonly string[];
  readonly finalWeight: string;
}

const PROMOTED: Expected = { status: 'promoted', reasonCodes: ['completed'], finalWeight: '100' };

/** What the promise says comes out. A release that was to be rolled back anyway is rolled back for its own reason. */
const expectedOf = ({ side, fault, moment }: FaultCase): Expected => {
  if (moment === 'rolling-back') return { status: 'rolled-back', reasonCodes: ['metric-failed'], finalWeight: '0' };
  const isForward = moment !== 'committed';
  if (side === 'api' && fault.name === '422') {
    // A write that is invalid is so for good: it turns back, or where there is no way back it stops and calls a person.
    return isForward
      ? { status: 'rolled-back', reasonCodes: ['refused-by-cluster'], finalWeight: '0' }
      : { status: 'halted', reasonCodes: ['refused-by-cluster', 'promote-failed'], finalWeight: '100' };
  }
  const isJudged = moment === 'preparing' || moment === 'progressing';
  if (side === 'metrics' && isJudged && SILENCING_FAULTS.includes(fault))
    return { status: 'rolled-back', reasonCodes: ['metric-no-data'], finalWeight: '0' };
  return PROMOTED;
};

const nameOf = ({ side, fault, moment }: FaultCase): string => `${side} ${fault.name} while ${moment}`;

/** The API server's clients may have no watch open, which then cannot expire. */
const mayMissRequests = ({ fault }: FaultCase): boolean => fault.name === 'watch expired';

const unexpected = (one: FaultCase, { ended, injected }: Tried): readonly string[] => {
  const { status, reasonCodes, finalWeight } = expectedOf(one);
  const isMet = injected.every(({ hits }) => hits() > 0) || mayMissRequests(one);
  return [
    ...(ended.status === status ? [] : [`${ended.status}, not ${status}`]),
    ...(reasonCodes.includes(ended.reasonCode) ? [] : [`${ended.reasonCode}, not ${reasonCodes.join(' or ')}`]),
    ...(ended.finalWeight === finalWeight ? [] : [`final weight ${ended.finalWeight}, not ${finalWeight}`]),
    ...(isMet ? [] : ['the fault met no request']),
  ];
};

const runCase = async (context: Context, world: World, one: FaultCase): Promise<Tried> => {
  const { side, fault, moment, number } = one;
  const isBad = moment === 'rolling-back';
  return runTrial(world, {
    tag: isBad ? `2.${number}-bad50` : `2.${number}`,
    injections: [{ side, fault, moment, afterMs: 0, forMs: fault.ms }],
    interruption: null,
    // GitHub is no part of what is tried here; it takes turns at being dead.
    gitHubIsDead: randomOf('faults', context.seed, number)() < 0.2,
  });
};

/** The same seed chooses the same; a fault is met at another moment with another seed. */
const choose = (seed: string, count: number): readonly FaultCase[] => {
  const random = randomOf('faults', seed);
  return CASES.map((one) => ({ one, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ one }) => one);
};

const rowsOf = (tried: ReadonlyMap<FaultCase, Tried>): readonly Row[] => {
  const rows = new Map<string, Map<Moment, string>>();
  for (const one of CASES) {
    const result = tried.get(one);
    if (result === undefined) continue;
    const name = `${one.side} ${one.fault.name}`;
    const cells = rows.get(name) ?? new Map<Moment, string>();
    rows.set(name, cells.set(one.moment, cellOf(result)));
  }
  return [...rows].map(([name, cells]) => ({ name, cells }));
};

const LANES = { full: 12, short: 8 } as const;
const SHORT_CASES = 8;

const casesOf = ({ seed, full }: Context): readonly FaultCase[] => {
  if (ONLY !== '') return CASES.filter((one) => nameOf(one).includes(ONLY));
  return full ? CASES : choose(seed, SHORT_CASES);
};

const tell = (one: FaultCase, result: Tried): void => {
  console.log(dossierOf(result));
  console.log(`      this one alone: CANARY_FAULT="${nameOf(one)}" npm run e2e -- faults`);
};

export const faults: Suite = {
  name: 'faults',
  title: 'an API server or a metrics store in trouble, at each moment of a rollout: users lose nothing',
  alone: true,
  run: async (context) => {
    const { claims, full } = context;
    const tried = new Map<FaultCase, Tried>();
    await inLanes(
      casesOf(context),
      full ? LANES.full : LANES.short,
      (name) => openStackWorld(context, `faults-${name}`),
      async (world, one) => {
        const result = await runCase(context, world, one);
        tried.set(one, result);
        const wrong = [...unexpected(one, result), ...problemsOf(world, result)];
        claims.figure({ kind: 'requests', sent: result.sent, lost: result.lost });
        claims.claim(nameOf(one), wrong.length === 0, wrong.length === 0 ? cellOf(result) : wrong);
        if (wrong.length > 0) tell(one, result);
        return { isClean: wrong.length === 0 };
      },
    );
    console.log(`\n${faultTable(rowsOf(tried))}\n`);
  },
};
