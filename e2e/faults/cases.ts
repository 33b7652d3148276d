import { API_FAULTS, type NamedFault } from './api-faults.ts';
import type { Side } from './inject.ts';
import { METRICS_FAULTS, SILENCING_FAULTS } from './metrics-faults.ts';
import { MOMENTS, type Moment } from './moments.ts';
import { problemsOf, runTrial, type Tried } from './trial.ts';
import type { World } from './world.ts';

/** One cell of the fault table. */
export interface FaultCase {
  readonly side: Side;
  readonly fault: NamedFault;
  readonly moment: Moment;
  /** Tells the releases of one namespace apart. */
  readonly number: number;
}

const faultsOf = (side: Side): readonly NamedFault[] => (side === 'api' ? API_FAULTS : METRICS_FAULTS);

export const CASES: readonly FaultCase[] = (['api', 'metrics'] as const)
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

export const nameOf = ({ side, fault, moment }: FaultCase): string => `${side} ${fault.name} while ${moment}`;

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

/** Runs one case. The same number makes the same release of it. */
export const runCase = (
  world: World,
  { side, fault, moment, number }: FaultCase,
  options: { readonly gitHubIsDead: boolean },
): Promise<Tried> =>
  runTrial(world, {
    tag: moment === 'rolling-back' ? `2.${number}-bad50` : `2.${number}`,
    injections: [{ side, fault, moment, afterMs: 0, forMs: fault.ms }],
    interruption: null,
    ...options,
  });

/** What did not come out as it must; [] when all did. */
export const wrongIn = (world: World, one: FaultCase, tried: Tried): readonly string[] => [
  ...unexpected(one, tried),
  ...problemsOf(world, tried),
];
