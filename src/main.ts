import {
  askedIn,
  configure,
  configureAgain,
  connectTo,
  meansOf,
  type Process,
  type Shell,
  shellOf,
  start,
  storeOf,
  token,
} from './compose.ts';
import type { Settings } from './config/settings.ts';
import { type Control, status, steer } from './control.ts';
import type { Outcome } from './core/outcome.ts';
import { misconfigured, rejection } from './core/rejection.ts';
import type { ControlSpec, Spec } from './core/spec.ts';
import { systemClock } from './drive/clock.ts';
import { type Released, released } from './drive/to-end.ts';
import { annotate } from './github/annotations.ts';
import { type Asker, findAsker } from './github/asker.ts';
import { fitsRollout } from './github/chatops.ts';
import { resolveContext, runOf } from './github/context.ts';
import { attempt, printLine } from './github/log.ts';
import { writeOutputs } from './github/outputs.ts';
import { withPullRequest } from './github/pull-request.ts';
import { announceMain, isPost, loadRun, saveRun } from './github/state.ts';
import { openThread, type Thread } from './github/thread.ts';
import { listOpen } from './kube/open-rollouts.ts';
import { sourceNotices, sourcePermissions } from './metrics/index.ts';
import type { Cluster } from './ports/cluster.ts';
import { finish, type Release, release } from './release.ts';
import { renderSummary } from './report/comment.ts';
import { statusDescription } from './report/headline.ts';
import { exitCode, outputsOf } from './report/result.ts';
import { sweep } from './sweep.ts';

interface Ids {
  readonly holder: string;
  readonly rolloutId: string;
}

const newIds = (): Ids => ({ holder: token(), rolloutId: token() });

// --- main ---------------------------------------------------------------------

const FORK_TEXT = 'the event comes from a fork: a pull request that anybody can open must not steer a release';

const runMain = async (run: Process): Promise<number> => {
  run.log.headline('canary-rollout: reading the configuration');
  announceMain();
  const read = configure(run);
  const asked = askedIn(read);
  const shell = shellOf(run, read.settings, asked);
  for (const warning of read.warnings) run.log.warning(warning);
  if ('control' in read)
    return conclude(run, shell, await command(run, shell, read.control, read.settings), read.control);
  const ended =
    'spec' in read
      ? await releaseOrReject(run, shell, read.spec, read.settings)
      : await answered(run, shell, run.inputs.values['command'] ?? 'run', misconfigured(read.issues));
  return conclude(run, shell, ended, asked);
};

const releaseOrReject = async (run: Process, shell: Shell, spec: Spec, settings: Settings): Promise<Released> => {
  if (spec.command === 'rollback') {
    const asker = await findAsker(run.context, shell.github, spec.command);
    if (!('ok' in asker)) return answered(run, shell, spec.command, rejection(asker.refused.code, asker.refused.text));
  }
  const context = await withPullRequest(shell.github, await resolveContext(shell.github, run.context));
  if (context.origin !== 'same' && spec.command !== 'plan') return released(rejection('untrusted-event', FORK_TEXT));
  const ids = newIds();
  const cluster = connectTo(run, settings, ids.holder);
  if (!cluster.ok) return released(rejection('cluster-unreachable', cluster.problem.message));
  return release(releaseOf({ ...run, context }, shell, spec, cluster.value, ids));
};

const threadOf = (run: Process, shell: Shell, word: string): Thread => {
  const warn = (text: string): void => run.log.warning(text);
  return openThread({ client: shell.github, context: run.context, command: word, now: systemClock.now, warn });
};

/** What was refused before anything was proven is answered too, where a comment asked for it. */
const answered = async (run: Process, shell: Shell, word: string, outcome: Outcome): Promise<Released> => {
  if (word !== 'run' && word !== 'plan') await threadOf(run, shell, word).conclude(outcome);
  return released(outcome);
};

const releaseOf = (run: Process, shell: Shell, spec: Spec, cluster: Cluster, ids: Ids): Release => {
  const target = { namespace: spec.namespace ?? cluster.defaultNamespace, deployment: spec.deployment };
  return {
    ...meansOf(run, shell, spec, cluster, ids),
    spec,
    run: runOf(run.context),
    rolloutId: ids.rolloutId,
    sourcePermissions: sourcePermissions(spec.sources),
    sourceNotices: sourceNotices(spec.sources, target.namespace),
    store: storeOf(cluster, target),
  };
};

// --- commands -----------------------------------------------------------------

/** A command on open rollouts: proven first, when it came by a comment, and answered there. */
const command = async (run: Process, shell: Shell, spec: ControlSpec, settings: Settings): Promise<Released> => {
  const thread = threadOf(run, shell, spec.command);
  const ended = await commanded(run, shell, spec, settings, () => thread.seen());
  await thread.conclude(ended.outcome);
  return ended;
};

const commanded = async (
  run: Process,
  shell: Shell,
  spec: ControlSpec,
  settings: Settings,
  proven: () => void,
): Promise<Released> => {
  const asker = await findAsker(run.context, shell.github, spec.command);
  if (!('ok' in asker)) return released(rejection(asker.refused.code, asker.refused.text));
  proven();
  const ids = newIds();
  const cluster = connectTo(run, settings, ids.holder);
  if (!cluster.ok) return released(rejection('cluster-unreachable', cluster.problem.message));
  const input = controlOf(run, shell, spec, cluster.value, ids, asker.ok);
  switch (spec.command) {
    case 'status':
      return status(input);
    case 'sweep':
      return sweep(input);
    default:
      return steer(input, spec.command);
  }
};

const controlOf = (
  run: Process,
  shell: Shell,
  spec: ControlSpec,
  cluster: Cluster,
  ids: Ids,
  { by, comment }: Asker,
): Control => ({
  ...meansOf(run, shell, spec, cluster, ids),
  spec,
  by,
  commandId: comment?.id ?? ids.rolloutId,
  rolloutId: comment?.rolloutId ?? null,
  mayNotSteer: (rollout) => (comment === null ? null : fitsRollout(comment, rollout)),
  storeOf: (target) => storeOf(cluster, target),
  listOpen: (namespace, signal) => listOpen(cluster, namespace, signal),
});

// --- the end ------------------------------------------------------------------

/** Reports, outputs and exit code. Nothing here can change what happened. */
const conclude = async (
  run: Process,
  shell: Shell,
  { outcome, pods }: Released,
  asked: Pick<Spec | ControlSpec, 'failOnRollback'> | null,
): Promise<number> => {
  annotate(
    outcome,
    outcome.kind === 'rejected' ? (outcome.issues.find(({ line }) => line !== null)?.file ?? null) : null,
    printLine,
  );
  showText(run, outcome);
  await shell.reports.conclude(outcome, shell.journal.entries(), pods);
  const urls = { commentUrl: shell.reporters.commentUrl(), reportPath: shell.reporters.reportPath() };
  attempt(run.log, 'outputs', () => writeOutputs(outputsOf(outcome, urls)));
  run.log.headline(statusDescription(outcome, systemClock.now()));
  const left = loadRunOfThis(outcome);
  if (left !== null) attempt(run.log, 'state for the post step', () => saveRun(left));
  return exitCode(outcome, asked?.failOnRollback ?? true);
};

/** What has no story to tell line by line is on the console as a whole: the plan, and why a rollout was refused. */
const showText = ({ log }: Process, outcome: Outcome): void => {
  if (outcome.kind !== 'planned' && (outcome.kind !== 'rejected' || outcome.findings.length === 0)) return;
  log.block(
    outcome.kind === 'planned' ? 'the plan' : 'what was found',
    renderSummary(outcome, { now: systemClock.now(), journal: [], pods: [], podLines: false }),
  );
};

/** A rollout that ended leaves nothing for the post step. */
const loadRunOfThis = (outcome: Outcome): Parameters<typeof saveRun>[0] | null => {
  if (outcome.kind === 'first-release' && outcome.times !== null) {
    const { deployment } = outcome.subject;
    const target = { namespace: outcome.subject.namespace ?? '', deployment };
    return { target, rolloutId: outcome.rolloutId, holder: '', finished: true };
  }
  if (outcome.kind !== 'finished') return null;
  const { namespace, deployment, rolloutId } = outcome.rollout.plan.target;
  return { target: { namespace, deployment }, rolloutId, holder: '', finished: true };
};

// --- post ---------------------------------------------------------------------

const POST_MS = 4 * 60_000;

/** Finishes what main was not given the time for: same holder, the state from the cluster, driven to its end. */
const runPost = async (run: Process): Promise<number> => {
  const saved = loadRun();
  if (saved === null || saved.finished) return 0;
  run.log.headline('canary-rollout: main did not finish this rollout; finishing it now');
  const read = configureAgain(run);
  const asked = askedIn(read);
  if (asked === null) return 1;
  const shell = shellOf(run, read.settings, asked);
  const cluster = connectTo(run, read.settings, saved.holder);
  if (!cluster.ok) {
    run.log.error(cluster.problem.message);
    return 1;
  }
  const input = { ...meansOf(run, shell, asked, cluster.value, saved), store: storeOf(cluster.value, saved.target) };
  const giveUpAt = systemClock.now() + POST_MS;
  // A signal must not end it early: what is left to do here is what a cancel asks for.
  const ended = await Promise.race([
    finish(input, giveUpAt),
    systemClock.sleepUntil(giveUpAt, new AbortController().signal).then(() => 'late' as const),
  ]);
  if (ended === 'late') {
    run.log.error(
      'the rollout could not be finished in 4 minutes; its state is kept in the cluster, and the next run of this Deployment finishes it',
    );
    return 1;
  }
  if ('outcome' in ended) return conclude(run, shell, ended, asked);
  if (ended.kind === 'failed') run.log.error(`${ended.why}; the next run of this Deployment tries again`);
  return ended.kind === 'failed' ? 1 : 0;
};

const crashed = (run: Process, error: unknown): number => {
  run.log.error(`internal error: ${error instanceof Error ? error.message : String(error)}; please report it`);
  run.log.debug(error instanceof Error ? (error.stack ?? '') : '');
  return 1;
};

const run = start();
const code = await (isPost() ? runPost(run) : runMain(run)).catch((error: unknown) => crashed(run, error));
// Open keep-alive connections must not hold the step.
process.stdout.write('', () => process.exit(code));
