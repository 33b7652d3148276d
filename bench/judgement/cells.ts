import { CALM, type Scenario } from './world.ts';

export const RATES = [10, 100, 1000] as const;
export const BASES = [0.001, 0.01] as const;

export const DECIDERS = ['ours', 'Flagger 1', 'Flagger 5', 'Argo 0', 'Argo 3'] as const;
export type Decider = (typeof DECIDERS)[number];

/** What makes failures more than independent coins, by the name in the tables. */
export interface Noise {
  readonly name: string;
  /** G1 is asked of it. */
  readonly isAsked: boolean;
  readonly trouble: Partial<Omit<Scenario, 'rate' | 'base'>>;
}

export const INDEPENDENT = 'independent';

export const NOISES: readonly Noise[] = [
  { name: INDEPENDENT, isAsked: true, trouble: {} },
  { name: 'clumps of 2', isAsked: true, trouble: { clump: 2 } },
  { name: 'clumps of 3', isAsked: true, trouble: { clump: 3 } },
  { name: 'clumps of 4', isAsked: true, trouble: { clump: 4 } },
  { name: 'clumps of 5', isAsked: true, trouble: { clump: 5 } },
  { name: 'incident of 8x', isAsked: true, trouble: { incident: true } },
  { name: 'a third of samples lost', isAsked: false, trouble: { loss: 1 / 3 } },
  { name: 'pods differ by 20 %', isAsked: false, trouble: { podSpread: 0.2 } },
  { name: 'pods drift by 30 %', isAsked: false, trouble: { drift: 0.3 } },
  {
    name: 'all of these',
    isAsked: false,
    trouble: { clump: 3, incident: true, loss: 1 / 3, podSpread: 0.2, drift: 0.3 },
  },
];

/** What is wrong with the new version: so many times the failures, or half of all requests. */
export interface Fault {
  readonly name: string;
  readonly times: number | null;
}

export const GOOD: Fault = { name: 'good', times: 1 };
export const HALF: Fault = { name: '50 %', times: null };
export const FAULTS: readonly Fault[] = [
  { name: '2x', times: 2 },
  { name: '3x', times: 3 },
  { name: '5x', times: 5 },
  { name: '10x', times: 10 },
  HALF,
];

export const failureRatio = ({ times }: Fault, base: number): number => (times === null ? 0.5 : base * times);

/** One combination that is simulated many times. */
export interface Cell {
  readonly noise: string;
  readonly scenario: Scenario;
  readonly fault: Fault;
  readonly deciders: readonly Decider[];
  readonly runs: number;
}

export interface Runs {
  /** Good releases a cell, where a goal is asked and where not. */
  readonly good: number;
  readonly unasked: number;
  /** Bad releases a cell. */
  readonly bad: number;
}

export const FULL: Runs = { good: 20_000, unasked: 4_000, bad: 4_000 };
/** What CI runs: seconds, and enough to see that something broke. */
export const SHORT: Runs = { good: 400, unasked: 50, bad: 50 };

const scenarios: readonly Pick<Scenario, 'rate' | 'base'>[] = RATES.flatMap((rate) =>
  BASES.map((base) => ({ rate, base })),
);

/** The rivals do not look at noise at all: they are shown where it is calm, and in a shared incident. */
const RIVALS_IN: readonly string[] = [INDEPENDENT, 'incident of 8x'];

export const cellsOf = (runs: Runs): readonly Cell[] =>
  NOISES.flatMap(({ name, isAsked, trouble }) =>
    scenarios.flatMap((where): readonly Cell[] => {
      const scenario: Scenario = { ...CALM, ...trouble, ...where };
      const faults = name === INDEPENDENT ? FAULTS : FAULTS.filter(({ times }) => times === 5);
      const good: Cell = {
        noise: name,
        scenario,
        fault: GOOD,
        deciders: RIVALS_IN.includes(name) ? DECIDERS : ['ours'],
        runs: isAsked ? runs.good : runs.unasked,
      };
      const deciders: readonly Decider[] = name === INDEPENDENT ? DECIDERS : ['ours'];
      return [good, ...faults.map((fault): Cell => ({ noise: name, scenario, fault, deciders, runs: runs.bad }))];
    }),
  );
