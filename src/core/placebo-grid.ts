import type { PodTick } from './history.ts';
import type { EvidenceSpec } from './judgement.ts';
import type { Calibration, PlannedJudgement } from './plan.ts';
import type { Tally } from './rollout.ts';
import type { Ms } from './units.ts';

/** What a metric counted on stable's pods before the rollout. */
export interface PastMetric {
  readonly spec: EvidenceSpec;
  readonly calibration: Calibration;
  readonly streams: readonly PastStream[];
}

export interface PastStream {
  /** In the histogram's unit; null: failures. */
  readonly bound: number | null;
  readonly ticks: readonly PodTick[];
}

/** The part of a plan that a replay needs. */
export interface Course {
  readonly steps: readonly { readonly ms: Ms }[];
  /** Time between two samples: the length of a cell. */
  readonly sampleMs: Ms;
  readonly judgement: PlannedJudgement;
}

/** The past in cells as long as the time between two samples. */
export interface Grid {
  readonly pods: readonly string[];
  readonly cells: number;
  /** Streams by metric, in the order of the past. */
  readonly metrics: readonly (readonly StreamGrid[])[];
}

export interface StreamGrid {
  readonly bound: number | null;
  /** In the order of the grid's pods. */
  readonly pods: readonly PodGrid[];
  readonly all: PodGrid;
}

/** Sums by cell. `brought`: how many increments there were, be they of zero. */
export interface PodGrid {
  readonly requests: Float64Array;
  readonly failures: Float64Array;
  readonly brought: Uint16Array;
}

/** A pseudo-release: a pod by its place in the grid, and the cells of the window. */
export interface Trial {
  readonly pod: number;
  readonly from: number;
  readonly to: number;
}

/** Ticks of all pods and streams: what a second of computing is worth. */
const MOST_TICKS = 200_000;

/** An increment lies where its end does, as the judge sees it then. null: not one whole cell. */
export const gridOf = (past: readonly PastMetric[], { sampleMs }: Course): Grid | null => {
  const { from, to, pods } = extentOf(past);
  const cells = Math.floor((to - from) / sampleMs);
  if (!(cells >= 1)) return null;
  const place = new Map(pods.map((pod, index) => [pod, index]));
  // What is left of the oldest cell is too short to be one.
  const start = to - cells * sampleMs;
  const gridOfStream = ({ bound, ticks }: PastStream): StreamGrid => {
    const [all, each] = [emptyPod(cells), pods.map(() => emptyPod(cells))];
    for (const tick of ticks) {
      const cell = Math.ceil((tick.to - start) / sampleMs) - 1;
      const pod = each[place.get(tick.pod) ?? -1];
      if (cell < 0 || cell >= cells || pod === undefined) continue;
      addTo(pod, cell, tick);
      addTo(all, cell, tick);
    }
    return { bound, pods: each, all };
  };
  return { pods, cells, metrics: past.map(({ streams }) => streams.map(gridOfStream)) };
};

const extentOf = (past: readonly PastMetric[]) => {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const pods = new Set<string>();
  for (const { streams } of past)
    for (const { ticks } of streams)
      for (const tick of ticks) {
        from = Math.min(from, tick.from);
        to = Math.max(to, tick.to);
        pods.add(tick.pod);
      }
  return { from, to, pods: [...pods].sort() };
};

const emptyPod = (cells: number): PodGrid => ({
  requests: new Float64Array(cells),
  failures: new Float64Array(cells),
  brought: new Uint16Array(cells),
});

const addTo = (pod: PodGrid, cell: number, { requests, failures }: PodTick): void => {
  pod.requests[cell] = (pod.requests[cell] ?? 0) + requests;
  pod.failures[cell] = (pod.failures[cell] ?? 0) + failures;
  pod.brought[cell] = (pod.brought[cell] ?? 0) + 1;
};

export const tallyAt = (pod: PodGrid | undefined, cell: number): Tally => ({
  requests: pod?.requests[cell] ?? 0,
  failures: pod?.failures[cell] ?? 0,
});

/** As many cells as the plan takes, or as there are. */
export const windowCells = ({ cells }: Grid, { steps, sampleMs }: Course): number =>
  Math.min(cells, Math.max(1, Math.ceil(steps.reduce((sum, { ms }) => sum + ms, 0) / sampleMs)));

/** Each pod in each window; of very many pods, as many as can be computed. Windows follow one another, up to the newest cell. */
export const trialsOf = (grid: Grid, course: Course): readonly Trial[] => {
  const length = windowCells(grid, course);
  const windows = Math.floor(grid.cells / length);
  const streams = grid.metrics.reduce((sum, each) => sum + each.length, 0);
  const every = Math.max(1, Math.ceil((grid.pods.length * windows * length * streams) / MOST_TICKS));
  const pods = grid.pods.map((_, index) => index).filter((index) => index % every === 0);
  return Array.from({ length: windows }, (_, index) => grid.cells - (windows - index) * length).flatMap((from) =>
    pods.map((pod) => ({ pod, from, to: from + length })).filter((trial) => hasTraffic(grid, trial)),
  );
};

/** A pod that began or ended within the window was no release of its length; one without requests none at all. */
const hasTraffic = ({ metrics }: Grid, { pod, from, to }: Trial): boolean => {
  const stream = metrics.find((each) => each.length > 0)?.[0];
  const own = stream?.pods[pod];
  if (stream === undefined || own === undefined) return false;
  const quarter = Math.max(1, Math.floor((to - from) / 4));
  const isIn = (start: number, end: number): boolean => own.brought.subarray(start, end).some((count) => count > 0);
  const mine = total(own.requests, from, to);
  return (
    isIn(from, from + quarter) && isIn(to - quarter, to) && mine > 0 && total(stream.all.requests, from, to) > mine
  );
};

const total = (values: Float64Array, from: number, to: number): number =>
  values.subarray(from, to).reduce((sum, value) => sum + value, 0);
