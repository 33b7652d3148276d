import { type Advice, adviceOn } from './advice.ts';
import { podTicks } from './history.ts';
import { calibrationOf, type EvidenceSpec } from './judgement.ts';
import { type Placebo, replayPlacebo } from './placebo.ts';
import type { PastMetric } from './placebo-grid.ts';
import type { Calibration, Plan } from './plan.ts';
import { type Cost, costOfTotalFailure, type Outlook, type Scene, type Sight, sightsIn } from './power.ts';
import type { Sample } from './sample.ts';
import type { BasisPoints, Ms } from './units.ts';

/** What stable's past tells about a plan: how often it would have cried wolf, and what it can see. */
export interface Foresight {
  /** How far back was asked for. */
  readonly askedMs: Ms;
  /** In the plan's order, those judged on evidence. */
  readonly metrics: readonly MetricForesight[];
  /** null: no metric has a past. */
  readonly placebo: Placebo | null;
  /** On the first metric that decides and has a past. */
  readonly advice: readonly Advice[];
}

export type MetricForesight = { readonly name: string; readonly dryRun: boolean } & (
  | {
      readonly kind: 'unknown';
      /**
       * `empty`: the source has no points of it. `idle`: there were no requests. `bounds`: a latency of which no bound is
       * judged. Else what the source said; hostile text.
       */
      readonly why:
        | { readonly kind: 'empty' | 'idle' | 'bounds' }
        | { readonly kind: 'error'; readonly message: string };
    }
  | Known
);

export interface Known {
  readonly kind: 'known';
  readonly phi: number;
  readonly tolerance: number;
  /** Between the first and the last point. */
  readonly ms: Ms;
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Of a counted metric one with bound null; of a latency one for each bound that is judged, in `unit`. */
  readonly rates: readonly Rate[];
  readonly unit: string | null;
  /** By step: regressions that begin with it, seen before it ends. */
  readonly steps: readonly { readonly weight: BasisPoints; readonly ms: Ms; readonly sights: readonly Sight[] }[];
  /** Regressions that are there from the start, seen by the end of the plan. */
  readonly whole: readonly Sight[];
  /** null: not even that is seen. */
  readonly cost: Cost | null;
}

export interface Rate {
  readonly bound: number | null;
  readonly failures: number;
  /** 0 to 1. */
  readonly failureRatio: number;
}

/** One of a plan judged on evidence that has a past. */
interface Read {
  readonly past: PastMetric;
  readonly outlook: Outlook;
  readonly known: Known;
}

/**
 * `samples`: what `MetricSource.history` answered of stable over `askedMs`. null: no metric of the plan is judged on
 * evidence, so there is nothing to foresee.
 */
export const foresee = (plan: Plan, samples: readonly Sample[], askedMs: Ms): Foresight | null => {
  const judged = plan.metrics.filter((metric) => metric.kind !== 'measured');
  if (judged.length === 0) return null;
  const scene = sceneOf(plan);
  const read = judged.map((spec) => readMetric(plan, scene, spec, samples));
  const known = read.filter((one) => 'past' in one);
  const deciding = known.find(({ past }) => !past.spec.dryRun);
  const { granularity, unit } = plan.abilities;
  return {
    askedMs,
    metrics: read.map((one, index): MetricForesight => {
      const { name, dryRun } = judged[index] ?? { name: '', dryRun: false };
      return { name, dryRun, ...('past' in one ? one.known : one) };
    }),
    placebo:
      known.length === 0
        ? null
        : replayPlacebo(
            known.map(({ past }) => past),
            { steps: scene.steps, sampleMs: scene.sampleMs, judgement: scene.judgement },
          ),
    advice:
      deciding === undefined
        ? []
        : adviceOn(deciding.outlook, scene, {
            granularity: unit === 'requests' ? granularity : null,
            timeoutMs: plan.timings.timeoutMs,
          }),
  };
};

/** A step is held until its queries have a whole window, be its interval shorter. */
const sceneOf = ({ steps, timings, judgement }: Plan): Scene => ({
  steps: steps.map(({ weight, intervalMs }) => ({
    share: weight / 10_000,
    ms: Math.max(intervalMs, timings.minWindowMs),
  })),
  judgement,
  sampleMs: timings.sampleMs,
  scrapeMs: timings.minWindowMs / 4,
});

type Unknown = Extract<MetricForesight, { readonly kind: 'unknown' }>;

const unknown = (why: Unknown['why']): Pick<Unknown, 'kind' | 'why'> => ({ kind: 'unknown', why });

const readMetric = (
  plan: Plan,
  scene: Scene,
  spec: EvidenceSpec,
  samples: readonly Sample[],
): Read | Pick<Unknown, 'kind' | 'why'> => {
  const sample = samples.find(({ metric, arm }) => metric === spec.name && arm === 'stable');
  if (sample?.kind === 'error') return unknown({ kind: 'error', message: sample.message });
  if (sample?.kind !== 'counters' && sample?.kind !== 'buckets') return unknown({ kind: 'empty' });
  const calibration = calibrationOf(plan.judgement, spec.name);
  const past = pastOf(spec, calibration, sample);
  const [main] = past.streams;
  if (main === undefined) return unknown({ kind: 'bounds' });
  if (main.ticks.length === 0) return unknown({ kind: 'empty' });
  const from = main.ticks.reduce((least, tick) => Math.min(least, tick.from), Number.POSITIVE_INFINITY);
  const to = main.ticks.reduce((most, tick) => Math.max(most, tick.to), 0);
  const requests = main.ticks.reduce((sum, tick) => sum + tick.requests, 0);
  if (requests === 0 || to <= from) return unknown({ kind: 'idle' });
  const rates = past.streams.map(({ bound, ticks }) => {
    const failures = ticks.reduce((sum, tick) => sum + tick.failures, 0);
    return { bound, failures, failureRatio: Math.min(1, failures / requests) };
  });
  const requestsPerSecond = (1000 * requests) / (to - from);
  const outlook: Outlook = { spec, calibration, requestsPerSecond, rates };
  const { phi, tolerance } = calibration;
  const unit = spec.kind === 'latency' ? spec.unit : null;
  const measured = { phi, tolerance, ms: to - from, requests, requestsPerSecond, rates, unit };
  return { past, outlook, known: { kind: 'known', ...measured, ...seenOf(outlook, scene) } };
};

const seenOf = (outlook: Outlook, scene: Scene): Pick<Known, 'steps' | 'whole' | 'cost'> => ({
  steps: scene.steps.map(({ share, ms }, index) => ({
    weight: Math.round(share * 10_000),
    ms,
    sights: sightsIn(outlook, scene, index, index),
  })),
  whole: sightsIn(outlook, scene, 0, scene.steps.length - 1),
  cost: costOfTotalFailure(outlook, scene),
});

const pastOf = (spec: EvidenceSpec, calibration: Calibration, sample: Sample): PastMetric => ({
  spec,
  calibration,
  streams: (spec.kind === 'counted' ? [null] : calibration.bounds).map((bound) => ({
    bound,
    ticks: podTicks(sample, bound),
  })),
});
