import { steeringOf } from './describe-steering.ts';
import { drainWasSeen } from './drain.ts';
import { formatCount, formatDuration, formatNumber, formatRatio, formatWeight } from './format.ts';
import type { Entry } from './journal.ts';
import { subjectOf } from './metric-state.ts';
import { refText } from './objects.ts';
import { allTrafficOf } from './outside.ts';
import { isCleaning } from './phases/cleaning.ts';
import { isInPlace } from './phases/in-place.ts';
import { isKeeping } from './phases/promoting.ts';
import type { Plan } from './plan.ts';
import { record } from './record.ts';
import type { Event, MetricState, Rollout, StageName } from './rollout.ts';
import { isTerminal } from './stage.ts';
import { ALL_TRAFFIC, type Arm, type Ms } from './units.ts';

/** What there is to say about one event, in sentences for console and reports. Pure; usually nothing. */
export const describe = (before: Rollout, event: Event, after: Rollout): readonly Entry[] => [
  // As recorded, before what follows from it: a new weight begins with empty tallies.
  ...samplesOf(before, event, event.kind === 'sampled' ? record(before, event) : after),
  ...troubleOf(before, event, after),
  ...steeringOf(before, event, after, (rollout, text, level) => entry(rollout, event.now, text, level)),
  ...turnOf(before, event, after),
  ...stageEntered(before, event, after),
  ...ended(before, event, after),
];

const groupOf = (rollout: Rollout): string => {
  switch (rollout.phase) {
    case 'preparing':
      return 'prepare';
    case 'progressing': {
      const step = rollout.plan.steps[rollout.step];
      return `step ${rollout.step + 1} of ${rollout.plan.steps.length}: ${formatWeight(step?.weight ?? 0)}`;
    }
    case 'promoting':
    case 'promoted':
      return 'promote';
    case 'rolling-back':
    case 'rolled-back':
      return 'roll back';
    case 'halted':
    case 'left':
      return 'end';
  }
};

const entry = (rollout: Rollout, at: Ms, text: string, level: Entry['level'] = 'info'): Entry => ({
  at,
  group: groupOf(rollout),
  level,
  text,
});

// --- samples: one line each, where it says something new -----------------------

/** The verdict is spoken, and the path that is waited for is told by one line of its own. */
const QUIET: readonly StageName[] = ['way-back', 'drain', 'stable-ready'];

const isNews = (before: Rollout, state: MetricState): boolean => {
  if (QUIET.includes(before.stage.name)) return false;
  const old = before.metrics.find(({ name }) => name === state.name);
  if (state.noDataSince !== null) return old?.noDataSince == null || old.noDataWhy !== state.noDataWhy;
  const isCounted = before.plan.metrics.some(({ name, kind }) => name === state.name && kind === 'counted');
  return !isCounted || before.stage.name === 'bake' || state.step.canary.requests + state.step.stable.requests > 0;
};

const samplesOf = (before: Rollout, event: Event, recorded: Rollout): readonly Entry[] => {
  if (event.kind !== 'sampled') return [];
  const effect = before.open.find(({ id }) => id === event.effect);
  if (effect?.kind !== 'query') return [];
  // The verdict may have ended the phase in which the sample was taken; its line belongs to that one.
  return [
    ...effect.metrics.flatMap((name) => {
      const state = recorded.metrics.find((metric) => metric.name === name);
      return state === undefined || !isNews(before, state)
        ? []
        : [entry(before, event.now, `${name}: ${sampleText(before, state)}${clockText(recorded)}`)];
    }),
    ...recorded.metrics.flatMap((state) => suspicionOf(before, state, event.now)),
  ];
};

/** When suspicion begins, and when a metric that only reports would have ended it: both once, and in full. */
const suspicionOf = (before: Rollout, state: MetricState, now: Ms): readonly Entry[] => {
  const old = before.metrics.find(({ name }) => name === state.name);
  const { verdict, wouldHave, name } = state;
  if (wouldHave !== null && old?.wouldHave === null)
    return [entry(before, now, `dry run, would have rolled back: ${name}: ${wouldHave.explanation}`, 'warning')];
  const begins = verdict.kind === 'held' && old?.verdict.kind !== 'held' && !QUIET.includes(before.stage.name);
  return begins ? [entry(before, now, `${name}: ${verdict.explanation}`, 'warning')] : [];
};

const sampleText = (rollout: Rollout, state: MetricState): string => {
  if (state.noDataSince !== null) return state.noDataWhy ?? 'no data';
  const spec = rollout.plan.metrics.find(({ name }) => name === state.name);
  const arms: readonly Arm[] = subjectOf(rollout) === 'canary' ? ['canary', 'stable'] : ['stable', 'canary'];
  if (spec?.kind === 'measured') {
    const value = (arm: Arm): string =>
      state.value[arm] === null ? 'unknown' : formatNumber(state.value[arm] ?? 0, spec.unit ?? '');
    return arms.map((arm) => `${arm} ${value(arm)}`).join(', ');
  }
  return arms.map((arm) => countedText(state, arm)).join(', ');
};

const countedText = (state: MetricState, arm: Arm): string => {
  const { requests, failures } = state.step[arm];
  if (requests === 0) return `${arm} no requests`;
  return `${arm} ${formatCount(failures)} of ${formatCount(requests)} failed (${formatRatio(failures / requests)})`;
};

const clockText = (rollout: Rollout): string => {
  const step = rollout.plan.steps[rollout.step];
  if (rollout.stage.name !== 'bake' || step === undefined) return '';
  const waiting = rollout.waits.length > 0 ? ', waiting' : '';
  return ` · held ${Math.round(rollout.stage.heldMs / 1000)} of ${Math.round(step.intervalMs / 1000)} s${waiting}`;
};

// --- trouble ------------------------------------------------------------------

const troubleOf = (before: Rollout, event: Event, after: Rollout): readonly Entry[] => {
  if (event.kind === 'written' && event.outcome.kind !== 'done') {
    return [entry(before, event.now, `not written: ${event.outcome.reason}`, 'warning')];
  }
  if (event.kind === 'observe-failed' && before.stage.trouble !== event.reason) {
    return [entry(before, event.now, `the cluster did not answer: ${event.reason}`, 'warning')];
  }
  if (event.kind === 'save-failed')
    return [entry(before, event.now, `the state was not saved: ${event.reason}`, 'warning')];
  return after.warnings.slice(before.warnings.length).map((text) => entry(after, event.now, text, 'warning'));
};

const isLastResort = ({ open }: Rollout, id: number): boolean =>
  open.some((effect) => effect.id === id && effect.kind === 'write' && effect.intent.kind === 'last-resort');

// --- turns --------------------------------------------------------------------

const turnOf = (before: Rollout, event: Event, after: Rollout): readonly Entry[] => {
  const isSameStage = before.stage.name === after.stage.name && before.phase === after.phase;
  if (
    event.kind === 'observed' &&
    isSameStage &&
    before.stage.write.kind === 'done' &&
    after.stage.write.kind === 'none'
  )
    return [entry(after, event.now, 'the last write did not stand; it goes again', 'warning')];
  if (event.kind === 'cancel-requested' && isSameStage && after.phase === 'promoting')
    return [
      entry(after, event.now, 'the cancel changes nothing: what is under way is the safe end already', 'warning'),
    ];
  if (event.kind === 'written' && event.outcome.kind === 'done' && isLastResort(before, event.effect)) {
    const text = `the weights could not be set back; the Service ${after.plan.target.canaryService} leads to the pods of stable now`;
    return [entry(after, event.now, text, 'warning')];
  }
  if (before.phase !== 'rolling-back' && after.phase === 'rolling-back') {
    return [entry(after, event.now, `rolling back: ${after.reason?.text ?? ''}`, 'error')];
  }
  if (!isKeeping(before.stage.name) && after.stage.name === 'keep-canary') {
    return [
      entry(
        after,
        event.now,
        `promotion stops: ${after.reason?.text ?? ''}; ${
          after.traffic.wanted.canary === before.traffic.wanted.canary
            ? 'the traffic stays as it is'
            : 'the traffic goes to the canary, the copy known to be good'
        }`,
        'error',
      ),
    ];
  }
  return [];
};

const stageEntered = (before: Rollout, event: Event, after: Rollout): readonly Entry[] => {
  const isSame =
    before.stage.name === after.stage.name && before.stage.since === after.stage.since && before.phase === after.phase;
  const lines: Entry[] = [];
  if (drainEnded(before, after)) {
    const stage = before.stage.name === 'drain' ? before.stage : { ...before.stage, since: event.now };
    const wasSeen = [before, after].some((rollout) => drainWasSeen({ ...rollout, stage }, event.now));
    lines.push(
      entry(before, event.now, `the old path was ${wasSeen ? 'seen to be empty (V4)' : 'left alone long enough'}`),
    );
  }
  const text = isSame && event.kind !== 'started' ? null : stageText(after);
  return text === null || isTerminal(after.phase) ? lines : [...lines, entry(after, event.now, text)];
};

/** Also when it was empty before anybody had to wait for it. */
const drainEnded = (before: Rollout, after: Rollout): boolean => {
  if (before.stage.name === 'drain') return after.stage.name !== 'drain';
  const isReturned = before.stage.name === 'way-back' || before.stage.name === 'return-all';
  return isReturned && after.traffic.firstAt !== null && after.stage.name !== 'drain' && isCleaning(after.stage.name);
};

const STAGE_TEXT: Readonly<Partial<Record<StageName, (rollout: Rollout) => string>>> = {
  claim: ({ plan }) =>
    `marking the objects of ${plan.target.namespace}/${plan.target.deployment} as part of this rollout`,
  'canary-service': ({ plan }) => `creating the Service ${plan.target.canaryService}`,
  canary: ({ plan }) =>
    `${plan.target.pair === null ? 'starting' : 'setting'} the Deployment ${plan.target.canaryDeployment} ${plan.target.pair === null ? 'with' : 'to'} ${plan.target.images.map(({ image }) => image).join(', ')}`,
  watchdog: ({ plan }) =>
    `starting the watchdog: it returns the traffic when this run is silent for ${formatDuration(plan.watchdog?.afterMs ?? 0)}`,
  'hold-autoscaler': ({ plan }) =>
    isPaused(plan)
      ? `pausing ${autoscalerText(plan)}`
      : `holding ${autoscalerText(plan)} at ${plan.stableReplicas} pods or more`,
  companions: ({ plan }) => `copying for the canary: ${companionsText(plan)}`,
  'read-stable': ({ plan }) => `looking which version the Deployment ${plan.target.deployment} runs`,
  'await-stable': ({ plan }) => `waiting for the Deployment ${plan.target.deployment} to run the judged version`,
  'route-entry': () => 'the canary is ready; adding it to the route with weight 0',
  settle: ({ plan }) => `watching for ${formatDuration(plan.timings.standMs)} whether the entry stands`,
  scale: ({ plan, step }) => `scaling the canary to ${plan.steps[step]?.canaryReplicas ?? '?'} pods`,
  shift: ({ traffic }) => `setting the canary's weight to ${formatWeight(traffic.wanted.canary)}`,
  bake: ({ traffic, plan, step }) =>
    `weight ${formatWeight(traffic.wanted.canary)} is in force (${traffic.rung ?? 'not verified'}); holding it for ${formatDuration(plan.steps[step]?.intervalMs ?? 0)}`,
  capacity: () => 'all steps passed; scaling the canary for all traffic',
  'all-traffic': (rollout) => `sending ${allTrafficOf(rollout)} to the canary`,
  commit: () => 'giving up the way back: from here on there is only forward',
  'update-stable': ({ plan, traffic }) =>
    `updating the Deployment ${plan.target.deployment}${isInPlace(plan) ? ` in place, with ${formatWeight(traffic.wanted.canary)} on the canary` : ''}`,
  'stable-ready': () => 'waiting for the updated stable',
  'without-canary': () => 'the canary has no ready pod any more; returning all traffic to stable',
  'return-some': ({ undoes, plan, traffic }) =>
    isInPlace(plan)
      ? `stable is updated; judging it with the ${formatWeight(ALL_TRAFFIC - traffic.wanted.canary)} it has`
      : `stable is ready${undoes ? ' and runs the old version' : ''}; returning 20 % of the traffic to it`,
  'return-all': () => 'returning all traffic to stable',
  'keep-canary': ({ traffic }) =>
    traffic.wanted.canary === ALL_TRAFFIC
      ? 'sending all traffic to the canary'
      : `the canary gets ${formatWeight(traffic.wanted.canary)}, which it has the pods for`,
  'keep-capacity': () => 'scaling the canary for all traffic',
  'way-back': () => 'returning all traffic to stable',
  drain: () => 'waiting until the canary gets no request any more',
  'restore-route': () => 'putting the route back as it was',
  'remove-canary': ({ plan }) => `removing the Deployment ${plan.target.canaryDeployment}`,
  'give-back': ({ plan }) => `giving the Deployment ${plan.target.canaryDeployment} back`,
  'remove-service': ({ plan }) => `removing the Service ${plan.target.canaryService}`,
  'remove-companions': ({ plan }) => `removing the canary's copies: ${companionsText(plan)}`,
  'release-autoscaler': ({ plan }) =>
    isPaused(plan)
      ? `letting ${autoscalerText(plan)} scale again`
      : `giving ${autoscalerText(plan)} its own bounds back`,
  unclaim: () => 'removing our marks',
};

const isPaused = ({ target }: Plan): boolean => target.autoscaler?.ref.kind === 'ScaledObject';

const autoscalerText = ({ target }: Plan): string =>
  target.autoscaler === null ? 'the autoscaler' : refText(target.autoscaler.ref);

const companionsText = ({ target }: Plan): string => target.companions.map(({ ref }) => refText(ref)).join(', ');

const stageText = (rollout: Rollout): string | null => STAGE_TEXT[rollout.stage.name]?.(rollout) ?? null;

const ended = (before: Rollout, event: Event, after: Rollout): readonly Entry[] => {
  if (isTerminal(before.phase) || !isTerminal(after.phase)) return [];
  const took = formatDuration(event.now - after.startedAt);
  const reason = after.reason?.text ?? '';
  switch (after.phase) {
    case 'promoted':
      return [entry(after, event.now, `promoted after ${took}`)];
    case 'rolled-back':
      return [entry(after, event.now, `rolled back after ${took}: ${reason}`, 'error')];
    case 'left':
      return [entry(after, event.now, leftText(after, event.now), 'warning')];
    default:
      return [entry(after, event.now, `halted after ${took}: ${reason}`, 'error')];
  }
};

const leftText = ({ plan, traffic, reason, paused }: Rollout, now: Ms): string => {
  const left = Math.max(0, (paused?.since ?? now) + plan.conduct.holdMs - now);
  return `left with ${formatWeight(traffic.wanted.canary)} on the canary: ${reason?.text ?? ''}; nobody judges it now, and it may stay so for ${formatDuration(left)}`;
};
