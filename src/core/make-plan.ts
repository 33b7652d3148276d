import { partsOf } from './calibration.ts';
import { formatWeight } from './format.ts';
import { MIN_FAILURES, ODDS } from './judgement.ts';
import type { Calibration, Plan, PlannedJudgement, PlannedStep, Run, Target, Timings } from './plan.ts';
import { expressibleSteps, POD_WEIGHTS } from './pod-share.ts';
import type { Finding } from './reason.ts';
import type { JudgementSpec, MetricSpec, Spec, Step } from './spec.ts';
import type { Abilities } from './traffic.ts';
import { ALL_TRAFFIC, type Json, type Ms, ok, problem, type Result } from './units.ts';

/** What was seen of the cluster before the first write, as far as the plan needs it. */
export interface Facts {
  readonly target: Target;
  readonly run: Run;
  readonly abilities: Abilities;
  readonly settleMs: Ms;
  /** How long somebody who owns a route may need to revert it; 0: nobody is known to. */
  readonly revertMs: Ms;
  readonly stableReplicas: number;
  readonly stableTemplate: string;
  readonly fromImages: Plan['fromImages'];
  readonly uids: Plan['uids'];
  readonly original: Json;
  /** null: no metrics, or it could not be seen. */
  readonly scrapeIntervalMs: Ms | null;
  /** That of counters alone, where they come from a quicker source. */
  readonly counterIntervalMs: Ms | null;
  /** How often the source may be asked for counters. */
  readonly paceMs: Ms;
  /** Those asked for, with presets resolved. */
  readonly metrics: readonly MetricSpec[];
  /** By metric judged on evidence: what stable's history showed. */
  readonly calibrations: Readonly<Record<string, Omit<Calibration, 'part'>>>;
  /** Objects that a light look reads. */
  readonly readsPerLook: number;
}

/** Prometheus' own default, where no sample tells (prometheus.io, `global.scrape_interval` is usually set to this). */
const USUAL_SCRAPE_MS: Ms = 15_000;
/** Of the 60 requests a minute that a held weight may cost, what is left beside lease renewals and saves. */
const LOOKS_BUDGET = 36;
const LOOK_MS: Ms = 5_000;
/** The weights of a spec that named none. */
export const DEFAULT_WEIGHTS = [500, 1_000, 2_000, 5_000, 8_000] as const;

export interface Planned {
  readonly plan: Plan;
  readonly findings: readonly Finding[];
}

/** The whole rollout as a value. The problem is a finding: pods that cannot express the weights asked for. */
export const makePlan = (spec: Spec, facts: Facts): Result<Planned, Finding> => {
  const steps =
    facts.abilities.unit === 'pods' ? podSteps(spec, facts) : ok({ steps: requestSteps(spec, facts), findings: [] });
  if (!steps.ok) return steps;
  const uncompared = comparedWithNobody(spec.steps, facts.metrics);
  if (uncompared !== null) return problem(uncompared);
  const plan: Plan = {
    target: facts.target,
    run: facts.run,
    abilities: facts.abilities,
    steps: steps.value.steps,
    metrics: facts.metrics,
    fromImages: facts.fromImages,
    stableReplicas: facts.stableReplicas,
    stableTemplate: facts.stableTemplate,
    uids: facts.uids,
    original: facts.original,
    timings: timingsOf(spec, facts),
    judgement: judgementOf(spec.judgement, facts),
    conduct: spec.conduct,
    watchdog: spec.watchdog,
    promoteAt: spec.surroundings.promoteAt,
    beside: [],
  };
  return ok({ plan, findings: [...steps.value.findings, ...slowScrape(facts)] });
};

/** At 100 % stable gets no traffic: a limit relative to it could never be judged, nor counts that began there. */
const comparedWithNobody = (steps: readonly Step[], metrics: readonly MetricSpec[]): Finding | null => {
  const uncompared = (message: string, advice: string): Finding => ({
    severity: 'error',
    code: 'invalid-config',
    where: 'weights',
    message,
    advice,
  });
  const relative = metrics.find((one) => one.kind === 'measured' && one.maxIncrease !== null && !one.dryRun);
  if (relative !== undefined && steps.some(({ weight }) => weight === ALL_TRAFFIC)) {
    return uncompared(
      `${relative.name}: \`max-increase\` compares with stable, which gets no traffic at 100 %`,
      'end the weights below 100, or use `max`',
    );
  }
  const counted = metrics.find((one) => one.kind !== 'measured' && !one.dryRun);
  if (counted !== undefined && steps[0]?.weight === ALL_TRAFFIC) {
    return uncompared(
      `${counted.name}: with 100 % as the first weight there is no stable traffic to compare with`,
      'begin with a small weight',
    );
  }
  return null;
};

const requestSteps = (spec: Spec, { stableReplicas, abilities }: Facts): readonly PlannedStep[] =>
  spec.steps.map(({ weight, intervalMs, approval }) => ({
    asked: weight,
    weight: Math.max(abilities.granularity, Math.round(weight / abilities.granularity) * abilities.granularity),
    intervalMs,
    canaryReplicas: Math.max(1, Math.ceil((weight / 10_000) * stableReplicas)),
    approval,
  }));

type PodPlan = { readonly steps: readonly PlannedStep[]; readonly findings: readonly Finding[] };

/** Steps that ask for as many pods are one; what the default plan cannot reach is left out of it. */
const podSteps = (spec: Spec, { stableReplicas }: Facts): Result<PodPlan, Finding> => {
  const isDefault = JSON.stringify(spec.steps.map(({ weight }) => weight)) === JSON.stringify(DEFAULT_WEIGHTS);
  const asked: readonly Step[] = isDefault
    ? spec.steps.filter(({ weight }) => POD_WEIGHTS.includes(weight))
    : spec.steps;
  const expressed = expressibleSteps(
    asked.map(({ weight }) => weight),
    stableReplicas,
  );
  if (!expressed.ok) {
    const advice =
      'choose weights that the number of stable pods can express, run more stable pods, or use a route that splits requests';
    return problem({
      severity: 'error',
      code: 'route-unsupported',
      message: expressed.problem,
      where: 'weights',
      advice,
    });
  }
  const steps = expressed.value.map(({ asked: wanted, weight, canaryReplicas, merged }) => {
    const step = asked.find((one) => one.weight === wanted);
    const intervalMs = step?.intervalMs ?? 60_000;
    // A step that others were merged into asks for whatever any of them did.
    const approval = asked.some((one) => one.approval && [wanted, ...merged].includes(one.weight));
    return { asked: wanted, weight, intervalMs, canaryReplicas, approval };
  });
  const joined = expressed.value.filter((step) => step.merged.length > 0).map(mergedFinding);
  return ok({ steps, findings: joined });
};

const mergedFinding = (step: {
  asked: number;
  merged: readonly number[];
  weight: number;
  canaryReplicas: number;
}): Finding => ({
  severity: 'warning',
  code: 'route-unsupported',
  where: 'weights',
  message: `${[...step.merged, step.asked].map(formatWeight).join(' and ')} ask for as many pods (${step.canaryReplicas}): they are one step of ${formatWeight(step.weight)}`,
  advice: null,
});

const slowScrape = ({ scrapeIntervalMs }: Facts): readonly Finding[] =>
  scrapeIntervalMs === null || scrapeIntervalMs <= USUAL_SCRAPE_MS
    ? []
    : [
        {
          severity: 'warning',
          code: 'metric-no-data',
          where: 'metrics',
          message: `the metrics store scrapes every ${Math.round(scrapeIntervalMs / 1000)} s: a bad release is seen that much later`,
          advice: 'scrape at least every 15 s',
        },
      ];

const judgementOf = (asked: JudgementSpec, { metrics, calibrations }: Facts): PlannedJudgement => {
  const { odds, requireEvidence, ignoreFirstMs, minRequests, mode } = asked;
  const parts = partsOf(metrics);
  const byName = Object.entries(calibrations).map(([name, found]) => [name, { ...found, part: parts[name] ?? 0 }]);
  return {
    ...ODDS[odds],
    minFailures: MIN_FAILURES,
    minRequests,
    requireEvidence,
    ignoreFirstMs,
    mode,
    metrics: Object.fromEntries(byName),
  };
};

const timingsOf = (spec: Spec, facts: Facts): Timings => {
  const scrape = facts.scrapeIntervalMs ?? (spec.metrics.length === 0 ? 1_000 : USUAL_SCRAPE_MS);
  const counterMs = facts.counterIntervalMs ?? scrape;
  const shortest = Math.min(...spec.steps.map(({ intervalMs }) => intervalMs));
  // A measured metric has no value before its window is full, and the updated stable is judged by it too.
  const measuredMs = facts.metrics.some(({ kind, dryRun }) => kind === 'measured' && !dryRun) ? 4 * scrape + 1_000 : 0;
  return {
    timeoutMs: spec.timeoutMs,
    readyMs: spec.readyTimeoutMs,
    drainMs: spec.drainMs,
    noDataMs: spec.noDataTimeoutMs,
    verifyMs: Math.max(60_000, 4 * facts.settleMs),
    settleMs: facts.settleMs,
    standMs: Math.max(facts.settleMs, facts.revertMs),
    observeMs: Math.max(LOOK_MS, Math.ceil((facts.readsPerLook * 60_000) / LOOKS_BUDGET)),
    counterMs,
    sampleMs: Math.max(facts.paceMs, Math.min(counterMs, USUAL_SCRAPE_MS)),
    minWindowMs: 4 * scrape,
    returnMs: Math.max(2_000, 2 * scrape, Math.min(shortest / 4, 15_000), measuredMs),
  };
};

/** Shortest time a plan takes when all is well: what is held, and what is known to be waited for. */
export const shortestDuration = ({ steps, timings, abilities, metrics }: Plan): Ms => {
  const held = steps.reduce(
    (total, { intervalMs }) => total + Math.max(intervalMs, metrics.length > 0 ? timings.minWindowMs : 0),
    0,
  );
  return held + timings.standMs + (abilities.allTraffic ? 2 * timings.returnMs : 0);
};
