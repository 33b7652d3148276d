import type { PodTick } from './history.ts';
import type { Tally } from './rollout.ts';
import type { Ms } from './units.ts';

/** The canary may fail so many times as often, where pods do not differ. */
export const TOLERANCE = 1.1;
/** Beyond it, stable has a broken pod rather than pods that differ, and the canary is not to be measured by that. */
const MOST_TOLERANCE = 2;
const BLOCKS_MS = [5_000, 30_000, 60_000] as const;
/**
 * An estimate counts when it is so many standard errors above what is known without it, and by more than a trifle: taken
 * from chance it would hide releases that are a little worse.
 */
const CLEAR = 3;
const TRIFLE = 0.05;

export interface Unevenness {
  readonly phi: number;
  readonly tolerance: number;
}

/** What a pod counted in one block of time. */
interface Cell extends Tally {
  readonly pod: string;
}

/** Cells among which failures split by requests if each comes for itself. */
type Group = readonly Cell[];

/**
 * How far failures are from coming one by one, and the same on every pod. Given the failures of all pods in a block of
 * time, chance splits them by requests. Clumps of c make the variance of that split c times as large, which is the phi
 * that the evidence is divided by; troubles that all pods share cancel, as they do in the evidence. The largest of
 * several block lengths, because troubles of one pod also last.
 *
 * A noisy estimate would cost more than it saves, so it counts only where chance does not explain it. With few failures
 * that leaves the larger clumps: a handful in one block that are all of one pod are clear, single failures tell nothing.
 *
 * With one pod, or none named, blocks of time are compared instead. Clumps and shared troubles look the same then: phi
 * is safe but may be larger than needed, and judgement slower.
 */
export const unevenness = (ticks: readonly PodTick[], canaryPods: number): Unevenness => {
  const blocks = blockLengths(ticks).map((ms) => inBlocks(ticks, ms));
  const [shortest = []] = blocks;
  if (!isByPod(shortest)) return { phi: clearest(blocks.map((groups) => [groups.map(joined)])), tolerance: TOLERANCE };
  const pods = podsOf(shortest, clearest([shortest]));
  if (pods === null) return { phi: clearest(blocks), tolerance: TOLERANCE };
  // What lasts is the pods' own and makes the tolerance; the rest is phi.
  const level = (cell: Cell): Cell => ({ ...cell, requests: cell.requests * (pods.factors.get(cell.pod) ?? 1) });
  const wider = 1 + 2 * pods.deviation * Math.sqrt(1 / Math.max(1, canaryPods) + 1 / pods.factors.size);
  return {
    phi: clearest(blocks.map((groups) => groups.map((group) => group.map(level)))),
    tolerance: Math.min(MOST_TOLERANCE, Math.max(TOLERANCE, wider)),
  };
};

export const total = (cells: readonly Tally[]): Tally => {
  let [requests, failures] = [0, 0];
  for (const cell of cells) {
    requests += cell.requests;
    failures += cell.failures;
  }
  return { requests, failures };
};

const joined = (group: Group): Cell => ({ pod: '', ...total(group) });

// --- blocks of time -------------------------------------------------------------

const blockLengths = (ticks: readonly PodTick[]): readonly Ms[] => {
  const lengths = ticks.map(({ from, to }) => to - from).sort((a, b) => a - b);
  const scrape = lengths[Math.floor(lengths.length / 2)] ?? 0;
  return [...new Set(BLOCKS_MS.map((ms) => Math.max(ms, scrape)))];
};

/** A tick is of the block that its middle is in; one that spans several would be of none. */
const inBlocks = (ticks: readonly PodTick[], ms: Ms): readonly Group[] => {
  const blocks = new Map<number, Map<string, { requests: number; failures: number }>>();
  for (const { pod, from, to, requests, failures } of ticks) {
    if (requests === 0 || to - from > 2 * ms) continue;
    const index = Math.floor((from + to) / 2 / ms);
    const block = blocks.get(index) ?? new Map<string, { requests: number; failures: number }>();
    blocks.set(index, block);
    const cell = block.get(pod);
    if (cell === undefined) block.set(pod, { requests, failures });
    else {
      cell.requests += requests;
      cell.failures += failures;
    }
  }
  return [...blocks.values()].map((block) => [...block].map(([pod, cell]) => ({ pod, ...cell })));
};

/** Most failures came while several pods had requests. */
const isByPod = (groups: readonly Group[]): boolean => {
  const failures = (some: readonly Group[]): number => total(some.map(joined)).failures;
  return 2 * failures(groups.filter(({ length }) => length > 1)) > failures(groups);
};

// --- estimates ------------------------------------------------------------------

interface Estimate {
  /** Variance of the split as a multiple of what chance gives. */
  readonly value: number;
  /** Its standard error where chance is all there is. */
  readonly error: number;
}

/** From short blocks to long ones, which are noisier: each must be clearly above what is known by then. */
const clearest = (candidates: readonly (readonly Group[])[]): number =>
  candidates.reduce((phi, groups) => {
    const { value, error } = dispersion(groups);
    return value > phi * (1 + Math.max(TRIFLE, CLEAR * error)) ? value : phi;
  }, 1);

/**
 * With equal requests the same as Pearson's chi-squared by its degrees of freedom, each group weighed by its failures:
 * those make the evidence. Not divided cell by cell, so that one failure of a pod with few requests means little.
 * Mean and variance are those of a multinomial split.
 */
const dispersion = (groups: readonly Group[]): Estimate => {
  let [deviation, expected, variance] = [0, 0, 0];
  for (const group of groups) {
    const { requests, failures } = total(group);
    if (failures === 0) continue;
    let [squares, cubes] = [0, 0];
    for (const cell of group) {
      const part = cell.requests / requests;
      deviation += (cell.failures - failures * part) ** 2;
      squares += part ** 2;
      cubes += part ** 3;
    }
    expected += failures * (1 - squares);
    variance +=
      2 * failures * (failures - 1) * (squares - 2 * cubes + squares ** 2) + 4 * failures * (cubes - squares ** 2);
  }
  if (expected === 0) return { value: 1, error: 0 };
  return { value: deviation / expected, error: Math.sqrt(Math.max(0, variance)) / expected };
};

interface Pods {
  /** How each differs from all. */
  readonly factors: ReadonlyMap<string, number>;
  /** The standard deviation of these, without what chance explains. */
  readonly deviation: number;
}

/** Whether pods differ for good: over the whole time, beyond what clumps explain. null: not clearly. */
const podsOf = (groups: readonly Group[], phi: number): Pods | null => {
  const sums = new Map<string, { failures: number; expected: number }>();
  for (const group of groups) {
    const { requests, failures } = total(group);
    for (const cell of group) {
      const sum = sums.get(cell.pod) ?? { failures: 0, expected: 0 };
      sum.failures += cell.failures;
      sum.expected += (failures * cell.requests) / requests;
      sums.set(cell.pod, sum);
    }
  }
  const cells = [...sums].map(([pod, { failures, expected }]) => ({ pod, failures, requests: expected }));
  const { value, error } = dispersion([cells]);
  if (value <= phi * (1 + CLEAR * error)) return null;
  const all = total(cells).failures;
  const squares = cells.reduce((sum, { requests }) => sum + requests ** 2, 0);
  const beyond = (value - phi) * (all - squares / all);
  return {
    factors: new Map(cells.map(({ pod, failures, requests }) => [pod, requests === 0 ? 1 : failures / requests])),
    deviation: Math.sqrt((beyond / squares) * (cells.length / (cells.length - 1))),
  };
};
