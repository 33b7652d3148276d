import { newStep } from './metric-state.ts';
import { preparing } from './phases/preparing.ts';
import { currentStep, progressing } from './phases/progressing.ts';
import { keeping, promoting } from './phases/promoting.ts';
import { rollingBack } from './phases/rolling-back.ts';
import type { StageRule } from './phases/rule.ts';
import type { Effect, Phase, Rollout, Stage, StageName, StepRecord, TerminalPhase } from './rollout.ts';
import type { Ms } from './units.ts';

const NO_RULES: readonly StageRule[] = [];

/** The stages of each phase, in order. */
const STAGES: Readonly<Record<Phase, readonly StageRule[]>> = {
  preparing: preparing,
  progressing: progressing,
  promoting: [...promoting, ...keeping],
  'rolling-back': rollingBack,
  promoted: NO_RULES,
  'rolled-back': NO_RULES,
  halted: NO_RULES,
  left: NO_RULES,
};

export const isTerminal = (phase: Phase): phase is TerminalPhase => STAGES[phase] === NO_RULES;

export const ruleOf = (rollout: Rollout): StageRule | null =>
  STAGES[rollout.phase].find(({ name }) => name === rollout.stage.name) ?? null;

/** Stages whose weight is new: what was tallied for the one before does not count for them. */
const NEW_WEIGHT: readonly StageName[] = ['shift', 'return-some', 'return-all', 'keep-canary', 'way-back'];

export const newStage = (name: StageName, now: Ms, verifiedAt: Ms | null = null): Stage => ({
  name,
  since: now,
  write: { kind: 'none' },
  attempts: 0,
  trouble: null,
  troubleCode: null,
  retryAt: now,
  verifiedAt,
  heldMs: 0,
  countedUntil: now,
});

/**
 * A write cannot be called back. One that is under way when its stage is over stays open as superseded: its answer is not
 * the answer of the next stage's write, and that one waits for it.
 */
export const supersede = (effect: Effect): Effect =>
  effect.kind === 'write' && !effect.superseded ? { ...effect, superseded: true } : effect;

/** Begins a stage: its traffic becomes the wanted one, and what it will write has to be saved first. */
export const enterStage = (rollout: Rollout, rule: StageRule, now: Ms): Rollout => {
  const wanted = rule.wants(rollout) ?? rollout.traffic.wanted;
  const keepsVerified = rule.name === 'drain' || rule.name === 'bake';
  const running = rule.name === 'shift' || rule.name === 'bake' ? runningRecord(rollout) : null;
  const stage = newStage(rule.name, now, keepsVerified ? (rollout.stage.verifiedAt ?? now) : null);
  const forgets = NEW_WEIGHT.includes(rule.name) && running === null;
  const entered: Rollout = {
    ...rollout,
    // A step that is taken up again goes on where its clock stood, with what was counted so far.
    stage: rule.name === 'bake' ? { ...stage, heldMs: running?.heldMs ?? 0 } : stage,
    traffic: { ...rollout.traffic, wanted },
    metrics: forgets ? rollout.metrics.map((metric) => newStep(metric, now)) : rollout.metrics,
    revision: rollout.revision + 1,
    // A look that began before says nothing about this stage, and would keep the next one waiting.
    open: rollout.open.filter(({ kind }) => kind !== 'observe').map(supersede),
  };
  return rule.name === 'shift' && running === null
    ? { ...entered, steps: [...entered.steps, newRecord(entered, now)] }
    : entered;
};

/** The record of the current step, when it was begun before and did not end. */
const runningRecord = ({ steps, step }: Rollout): StepRecord | null => {
  const record = steps[step];
  return record?.endedAt === null ? record : null;
};

const newRecord = (rollout: Rollout, now: Ms): StepRecord => ({
  weight: currentStep(rollout).weight,
  intervalMs: currentStep(rollout).intervalMs,
  startedAt: now,
  verifiedAt: null,
  endedAt: null,
  heldMs: 0,
  verification: null,
  observedShare: null,
  verdict: 'running',
  metrics: [],
});

/** The first stage of a phase that applies. */
export const enterPhase = (rollout: Rollout, phase: Phase, now: Ms): Rollout => {
  const inPhase = { ...rollout, phase };
  const first = STAGES[phase].find((rule) => rule.applies(inPhase));
  return first === undefined ? inPhase : enterStage(inPhase, first, now);
};

/** Entered by name only: what a failure, and a promotion that somebody else finishes, need. */
const BY_NAME: readonly StageName[] = ['keep-canary', 'keep-capacity', 'read-stable', 'await-stable', 'without-canary'];

/** The next stage of the same phase that applies; null when this was the last. */
export const nextRule = (rollout: Rollout): StageRule | null => {
  const rules = STAGES[rollout.phase];
  const index = rules.findIndex(({ name }) => name === rollout.stage.name);
  return rules.slice(index + 1).find((rule) => !BY_NAME.includes(rule.name) && rule.applies(rollout)) ?? null;
};

export const enterNamed = (rollout: Rollout, name: StageName, now: Ms): Rollout => {
  const rule = STAGES[rollout.phase].find((candidate) => candidate.name === name);
  if (rule === undefined) throw new Error(`${rollout.phase} has no stage ${name}`);
  return enterStage(rollout, rule, now);
};
