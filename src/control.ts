import type { Command, CommandName } from './core/command.ts';
import { formatWeight } from './core/format.ts';
import type { RolloutEntry, Subject } from './core/outcome.ts';
import { isInPlace } from './core/phases/in-place.ts';
import { refused as refusedBy, rejection } from './core/rejection.ts';
import { reopen } from './core/reopen.ts';
import type { Rollout } from './core/rollout.ts';
import type { ControlSpec } from './core/spec.ts';
import { refusal } from './core/steering.ts';
import type { Ms } from './core/units.ts';
import type { Means } from './drive/context.ts';
import { problemFinding } from './drive/findings.ts';
import { type Declined, type Opening, reconnect, takeOver } from './drive/take-over.ts';
import { driveToEnd, type Released, released } from './drive/to-end.ts';
import type { ListOpen, OpenRollout, SavedRollout, Store } from './ports/store.ts';

/** Everything a command on open rollouts works with. */
export interface Control extends Means {
  readonly spec: ControlSpec;
  /** Who asks, and what tells this request from every other. */
  readonly by: string | null;
  readonly commandId: string;
  readonly rolloutId: string | null;
  /** Why the sender may not steer this rollout; null: they may. A comment is bound to its pull request. */
  readonly mayNotSteer: (rollout: Rollout) => string | null;
  readonly storeOf: (target: OpenRollout) => Store;
  readonly listOpen: ListOpen;
}

const LOAD_MS = 30_000;

/** `status`: every open rollout as it is saved, and who drives it. Writes nothing. */
export const status = async (input: Control): Promise<Released> => {
  const listed = await targetsOf(input);
  if ('outcome' in listed) return listed;
  const entries = await Promise.all(listed.targets.map((target) => entryOf(input, target)));
  const rollouts = entries.filter((entry) => entry !== null);
  const some = rollouts.length === 1 ? '1 rollout is' : `${rollouts.length} rollouts are`;
  const text = rollouts.length === 0 ? 'no rollout is open' : `${some} open`;
  return released({ kind: 'accepted', reason: { code: 'listed', text, metric: null }, rollouts, failed: false });
};

/** The rollouts that `status` and `sweep` are about: one, those of a namespace, or all. */
export const targetsOf = async (input: Control): Promise<{ readonly targets: readonly OpenRollout[] } | Released> => {
  const { deployment } = input.spec;
  const namespace = input.spec.namespace ?? input.cluster.defaultNamespace;
  if (deployment !== null) return { targets: [{ namespace, deployment }] };
  const found = await input.listOpen(namespace === '*' ? null : namespace, AbortSignal.timeout(LOAD_MS));
  if (found.kind === 'ok') return { targets: found.value };
  const where = namespace === '*' ? 'ConfigMaps of all namespaces' : `ConfigMaps in ${namespace}`;
  return released(refusedBy([problemFinding(found, where, input.cluster.server)], subjectOf(input)));
};

/** null: none is open there. */
export const entryOf = async (input: Control, target: OpenRollout): Promise<RolloutEntry | null> => {
  const found = await input.storeOf(target).load(AbortSignal.timeout(LOAD_MS));
  if (found.kind === 'none') return null;
  const entry = { ...target, rollout: null, lock: 'free', runUrl: null, note: null, failed: false } as const;
  if (found.kind === 'failed') return { ...entry, note: found.problem.message, failed: true };
  const { saved, lock } = found;
  const seen = { ...entry, lock: lock === null ? 'free' : 'held', runUrl: lock?.runUrl ?? null } as const;
  return saved.kind === 'rollout'
    ? { ...seen, rollout: saved.rollout, runUrl: seen.runUrl ?? saved.rollout.plan.run.url }
    : { ...seen, note: `its state cannot be used: ${saved.why}`, failed: true };
};

const subjectOf = ({ spec, cluster }: Control): Subject => ({
  namespace: spec.namespace ?? cluster.defaultNamespace,
  deployment: spec.deployment ?? '',
  images: [],
});

// --- pause, resume, promote, abort ----------------------------------------------

interface Steer {
  readonly input: Control;
  readonly name: CommandName;
  readonly target: OpenRollout;
  readonly store: Store;
}

/**
 * One command on one rollout: handed to the run that holds the lock, which acts within 2 s; with no live holder this job
 * takes the lock and drives the rollout itself (design §1.3).
 */
export const steer = async (input: Control, name: CommandName): Promise<Released> => {
  const namespace = input.spec.namespace ?? input.cluster.defaultNamespace;
  const target = { namespace, deployment: input.spec.deployment ?? '' };
  const steering: Steer = { input, name, target, store: input.storeOf(target) };
  const found = await steering.store.load(AbortSignal.timeout(LOAD_MS));
  if (found.kind === 'failed')
    return released(refusedBy([problemFinding(found.problem, 'the rollout', input.cluster.server)], subjectOf(input)));
  if (found.kind === 'none') return rejectedWith(input, 'no-rollout', noRollout(target));
  const wrong = whyNot(steering, found.saved, found.lock !== null);
  if (wrong !== null) return rejectedWith(input, 'command-refused', wrong);
  return found.lock === null ? drive(steering) : hand(steering);
};

const rejectedWith = (input: Control, code: 'no-rollout' | 'command-refused' | 'lock-held', text: string): Released =>
  released(rejection(code, text, subjectOf(input)));

const noRollout = ({ namespace, deployment }: OpenRollout): string =>
  `no rollout of ${namespace}/${deployment} is open; a version that was promoted is taken back by \`command: rollback\``;

/** What can be told before anything is written. A live holder knows better than the saved state how things are. */
const whyNot = (steering: Steer, saved: SavedRollout, isDriven: boolean): string | null => {
  if (saved.kind === 'unreadable') return `the state of the rollout cannot be used: ${saved.why}`;
  if (!isDriven) return whyNotDrive(steering, saved.rollout);
  const { mayNotSteer, spec } = steering.input;
  const isForDriver = 'another run drives the rollout, and `until` is only for a job that drives it itself';
  return mayNotSteer(saved.rollout) ?? (spec.until === null ? null : isForDriver);
};

/** Why this job cannot drive the rollout to where its command says; null when it can. */
const whyNotDrive = ({ input, name }: Steer, rollout: Rollout): string | null => {
  const mayNot = input.mayNotSteer(rollout) ?? cannotEndThere(input.spec.until, rollout);
  if (mayNot !== null) return mayNot;
  const goesOn = name === 'resume' || name === 'promote';
  if (goesOn && rollout.plan.metrics.length > 0 && input.source === null)
    return `nobody drives this rollout, so this job has to, and its metrics need \`prometheus\` or \`scrape\``;
  // What halted on its way back is brought back by asking for it once more.
  if (endsHalt(rollout, name)) return null;
  return refusal(reopen(rollout, null, input.clock.now()), commandOf(input, name));
};

const endsHalt = ({ phase, reopensAs }: Rollout, name: CommandName): boolean =>
  name === 'abort' && phase === 'halted' && reopensAs === 'rolling-back';

/** Why a resumed rollout cannot end where this job's `until` says: null when it can, or when nothing was said. */
const cannotEndThere = (until: ControlSpec['until'], { plan, step, committedAt }: Rollout): string | null => {
  if (until === null) return null;
  if (committedAt !== null)
    return `\`until\` comes too late: ${isInPlace(plan) ? 'stable is being updated' : 'all traffic is on the canary'} already`;
  if (until.kind === 'promotion') return noPromotionWait(plan);
  const ahead = plan.steps.slice(step + 1).map(({ asked }) => asked);
  if (ahead.includes(until.weight)) return null;
  const known = [...ahead.map(formatWeight), ...(noPromotionWait(plan) === null ? ['`promotion`'] : [])];
  return `\`until: ${formatWeight(until.weight)}\` is not ahead of the rollout; what is: ${anded(known)}`;
};

const anded = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? 'nothing') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;

const noPromotionWait = (plan: Rollout['plan']): string | null => {
  if (!plan.abilities.allTraffic) return 'where the share is that of pods, there is no `until: promotion`';
  return isInPlace(plan) ? 'with `promote-at: last-step` there is no `until: promotion`' : null;
};

const commandOf = ({ by, commandId, rolloutId }: Control, name: CommandName): Command => ({
  name,
  rolloutId,
  by,
  id: commandId,
  raw: name,
});

const HAND_MS: Ms = 15_000;
const ANSWER_PAUSE_MS: Ms = 500;
/** A living holder acts within 2 s. After this its silence is worth a look at the lock. */
const ANSWER_MS: Ms = 6_000;
/** A dead holder's lease is watched for 30 s. */
const GIVE_UP_MS: Ms = 90_000;

const hand = async (steering: Steer): Promise<Released> => {
  const { input, store, name } = steering;
  const { raw: _raw, ...command } = commandOf(input, name);
  const handed = await store.hand(command, AbortSignal.timeout(HAND_MS));
  if (handed.kind === 'missing') return rejectedWith(input, 'no-rollout', noRollout(steering.target));
  if (handed.kind !== 'ok')
    return released(refusedBy([problemFinding(handed, 'the command', input.cluster.server)], subjectOf(input)));
  const giveUpAt = input.clock.now() + GIVE_UP_MS;
  while (input.clock.now() < giveUpAt && !input.cancelled.aborted) {
    const answer = await answered(steering, input.clock.now() + ANSWER_MS);
    if (answer !== null) return answer;
    const taken = await drive(steering, true);
    if (taken.outcome.kind !== 'rejected' || taken.outcome.reason.code !== 'lock-held') return taken;
  }
  return accepted(steering, null, 'the command was left for the run that holds the lock; it has not acted on it yet');
};

/** What the holder made of it: its state says so. null: nothing yet. */
const answered = async (steering: Steer, until: Ms): Promise<Released | null> => {
  const { input, store, target } = steering;
  while (input.clock.now() < until && !input.cancelled.aborted) {
    const found = await store.load(AbortSignal.timeout(LOAD_MS));
    // It ended, and its state went with it: a rollback is quick.
    if (found.kind === 'none')
      return accepted(steering, null, `the rollout of ${target.namespace}/${target.deployment} has ended meanwhile`);
    const rollout = found.kind === 'open' && found.saved.kind === 'rollout' ? found.saved.rollout : null;
    const asked = rollout?.asked.find(({ id }) => id === input.commandId);
    if (asked !== undefined && rollout !== null)
      return asked.refused === null
        ? accepted(steering, rollout, 'the run that drives the rollout has acted on the command')
        : rejectedWith(input, 'command-refused', asked.refused);
    await input.clock.sleepUntil(input.clock.now() + ANSWER_PAUSE_MS, input.cancelled).catch(() => undefined);
  }
  return null;
};

const accepted = ({ target }: Steer, rollout: Rollout | null, text: string): Released =>
  released({
    kind: 'accepted',
    reason: { code: 'handed-over', text, metric: null },
    rollouts:
      rollout === null
        ? []
        : [{ ...target, rollout, lock: 'held', runUrl: rollout.plan.run.url, note: null, failed: false }],
    failed: false,
  });

/** `isPending`: the command waits in the cluster, and is found there by whoever takes over. */
const drive = async (steering: Steer, isPending = false): Promise<Released> => {
  const { input, target, store } = steering;
  const means = { ...input, store };
  const taken = await takeOver(means, (saved) => openingOf(steering, saved, isPending), reconnect);
  if (taken.kind === 'none') return rejectedWith(input, 'no-rollout', noRollout(target));
  if (taken.kind === 'held')
    return rejectedWith(input, 'lock-held', `another run drives the rollout (${taken.runUrl ?? taken.by})`);
  if (taken.kind !== 'taken') return rejectedWith(input, 'command-refused', taken.why);
  input.locked(target);
  return driveToEnd(means, taken.context, taken.rollout, taken.first);
};

/** A pause with nobody there to hold it: one look, and it is left paused. */
const openingOf = (steering: Steer, saved: Rollout, isPending: boolean): Opening | Declined => {
  const { input, name } = steering;
  const declined = whyNotDrive(steering, saved);
  if (declined !== null) return { declined };
  const command = isPending || endsHalt(saved, name) ? null : commandOf(input, name);
  return { why: null, command, checks: name === 'pause', until: input.spec.until };
};
