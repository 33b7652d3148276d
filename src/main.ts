import { randomBytes } from 'node:crypto';
import { INPUTS } from './config/inputs.ts';
import { configPathProblem, DEFAULT_CONFIG_PATH } from './config/path.ts';
import { type ConfigRead, type ConfigText, readSpec } from './config/read.ts';
import { secretsOf } from './config/secrets.ts';
import type { Settings } from './config/settings.ts';
import { createJournal, type Journal } from './core/journal.ts';
import { shortHash } from './core/marks.ts';
import type { Issue, Outcome } from './core/outcome.ts';
import { misconfigured, rejection } from './core/rejection.ts';
import type { Spec } from './core/spec.ts';
import { systemClock } from './drive/clock.ts';
import { type FanOut, fanOut } from './drive/reporting.ts';
import { annotate } from './github/annotations.ts';
import { createClient, type GitHubClient } from './github/client.ts';
import { type RunContext, readContext, resolveContext, runOf } from './github/context.ts';
import { type Inputs, maskSecrets, readInputs } from './github/inputs.ts';
import { type ActionLog, attempt, createLog, outliveReaders, printLine } from './github/log.ts';
import { writeOutputs } from './github/outputs.ts';
import { buildReporters, type Reporters } from './github/reporters.ts';
import { onCancel } from './github/signals.ts';
import { announceMain, isPost, loadRun, saveRun } from './github/state.ts';
import { readWorkspaceFile } from './github/workspace-file.ts';
import { connect } from './kube/cluster.ts';
import { createStore } from './kube/store.ts';
import { sourcePermissions } from './metrics/index.ts';
import { createPrometheus } from './metrics/prometheus.ts';
import { createHttp } from './net/http.ts';
import { proxyFor } from './net/proxy.ts';
import type { Cluster } from './ports/cluster.ts';
import { finish, type Release, type Released, release } from './release.ts';
import { renderSummary } from './report/comment.ts';
import { statusDescription } from './report/headline.ts';
import { exitCode, outputsOf } from './report/result.ts';
import { routeKinds, routers } from './routers/index.ts';
import { jobWatchdog } from './watchdog/index.ts';
import { deploymentWorkload } from './workloads/index.ts';

/** Everything the process itself is: its environment, its console, and whether somebody asked it to end. */
interface Process {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly context: RunContext;
  readonly inputs: Inputs;
  readonly log: ActionLog;
  readonly cancelled: AbortSignal;
}

interface Shell {
  readonly journal: Journal;
  readonly reporters: Reporters;
  readonly reports: FanOut;
  readonly github: GitHubClient | null;
}

const start = (): Process => {
  outliveReaders([process.stdout, process.stderr]);
  const environment = process.env;
  const inputs = readInputs(
    environment,
    INPUTS.map(({ name }) => name),
  );
  maskSecrets(secretsOf(inputs.values));
  const cancel = new AbortController();
  const log = createLog(printLine);
  onCancel((signal) => {
    if (!cancel.signal.aborted)
      log.warning(`${signal}: the run is being cancelled; all traffic goes back to stable at once, if it still can`);
    cancel.abort();
  });
  return { environment, context: readContext(environment), inputs, log, cancelled: cancel.signal };
};

// --- configuration ------------------------------------------------------------

/** The config file: the one named, or the usual one when it is there. */
const readFile = ({
  inputs,
  context,
}: Process): { readonly file: ConfigText['file']; readonly issue: Issue | null } => {
  const named = inputs.values['config'];
  const path = named ?? DEFAULT_CONFIG_PATH;
  const wrong = configPathProblem(path);
  const read =
    wrong === null
      ? readWorkspaceFile(context.workspace ?? process.cwd(), path)
      : ({ kind: 'refused', why: wrong } as const);
  if (read.kind === 'read') return { file: { path, text: read.text }, issue: null };
  if (read.kind === 'missing' && named === undefined) return { file: null, issue: null };
  const message =
    read.kind === 'missing'
      ? `\`${path}\` does not exist in the workspace; is there a checkout step before this one?`
      : read.why;
  return { file: null, issue: { file: 'config', line: null, column: null, path: '', message } };
};

const configure = (run: Process): ConfigRead => {
  const { file, issue } = readFile(run);
  const catalogue = {
    routeKinds: routeKinds.map(({ router, kind }) => ({ router, kind: kind.kind, aliases: kind.aliases })),
  };
  return readSpec({ inputs: run.inputs.values, unknownInputs: run.inputs.unknown, file, fileIssue: issue }, catalogue);
};

// --- composition --------------------------------------------------------------

const shellOf = (run: Process, settings: Settings, spec: Spec | null): Shell => {
  const { context, log, inputs } = run;
  const github =
    settings.githubToken === null ? null : createClient({ token: settings.githubToken, apiUrl: context.apiUrl });
  const warn = (text: string): void => log.warning(text);
  const reporters = buildReporters({
    client: github,
    context,
    settings: {
      target: {
        namespace: spec?.namespace ?? inputs.values['namespace'] ?? null,
        deployment: spec?.deployment ?? inputs.values['deployment'] ?? '',
      },
      comment: settings.comment,
      commitStatus: settings.commitStatus,
      podLogs: spec?.podLogs ?? 'off',
    },
    now: systemClock.now,
    warn,
  });
  return { journal: createJournal(), reporters, reports: fanOut(reporters.all, warn), github };
};

const token = (): string => randomBytes(12).toString('hex');

const connectTo = ({ environment }: Process, settings: Settings, holder: string) =>
  connect({
    kubeconfig: settings.kubeconfig,
    context: settings.context,
    environment,
    // Tells runs apart in audit logs without giving away the holder, which proves to the lock who we are.
    userAgent: `canary-rollout/${shortHash(holder)}`,
    proxyFor: (url) => proxyFor(url, environment),
  });

const releaseOf = (
  run: Process,
  shell: Shell,
  spec: Spec,
  cluster: Cluster,
  ids: { readonly holder: string; readonly rolloutId: string },
): Release => {
  const { context, environment, log } = run;
  const namespace = spec.namespace ?? cluster.defaultNamespace;
  const http = createHttp({ environment });
  const saveState = (target: { namespace: string; deployment: string }): void =>
    saveRun({ target, ...ids, finished: false });
  return {
    spec,
    run: runOf(context),
    rolloutId: ids.rolloutId,
    holder: { id: ids.holder, runUrl: context.runUrl },
    cluster,
    routers,
    workload: deploymentWorkload,
    watchdog: jobWatchdog,
    source: spec.prometheus === null ? null : createPrometheus({ spec: spec.prometheus, http, cluster }),
    sourcePermissions: spec.prometheus === null ? [] : sourcePermissions(spec.prometheus),
    store: createStore({
      cluster,
      namespace,
      deployment: spec.deployment,
      clock: systemClock,
      randomToken: token,
      routeKinds: routers.flatMap(({ kinds }) => kinds),
    }),
    clock: systemClock,
    cancelled: run.cancelled,
    log: (entry) => {
      shell.journal.add(entry);
      log.entry(entry);
    },
    locked: saveState,
    progress: (rollout) => shell.reports.report(rollout, shell.journal.entries()),
  };
};

// --- main ---------------------------------------------------------------------

const FORK_TEXT = 'the event comes from a fork: a pull request that anybody can open must not steer a release';

const runMain = async (run: Process): Promise<number> => {
  run.log.headline('canary-rollout: reading the configuration');
  announceMain();
  const read = configure(run);
  const spec = 'spec' in read ? read.spec : null;
  const shell = shellOf(run, read.settings, spec);
  for (const warning of read.warnings) run.log.warning(warning);
  const released = await ('spec' in read
    ? releaseOrReject(run, shell, read.spec, read.settings)
    : only('issues' in read ? misconfigured(read.issues) : rejection('internal-error', 'this command is not wired')));
  return conclude(run, shell, released, spec?.failOnRollback ?? true);
};

const only = (outcome: Outcome): Promise<Released> => Promise.resolve({ outcome, pods: [] });
const releaseOrReject = async (run: Process, shell: Shell, spec: Spec, settings: Settings): Promise<Released> => {
  const { origin } = await resolveContext(shell.github, run.context);
  if (origin !== 'same' && spec.command !== 'plan') return only(rejection('untrusted-event', FORK_TEXT));
  const ids = { holder: token(), rolloutId: token() };
  const cluster = connectTo(run, settings, ids.holder);
  if (!cluster.ok) return only(rejection('cluster-unreachable', cluster.problem.message));
  return release(releaseOf(run, shell, spec, cluster.value, ids));
};

/** Reports, outputs and exit code. Nothing here can change what happened. */
const conclude = async (
  run: Process,
  shell: Shell,
  { outcome, pods }: Released,
  failOnRollback: boolean,
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
  return exitCode(outcome, failOnRollback);
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
  const read = configure(run);
  if (!('spec' in read)) return 1;
  const shell = shellOf(run, read.settings, read.spec);
  const cluster = connectTo(run, read.settings, saved.holder);
  if (!cluster.ok) {
    run.log.error(cluster.problem.message);
    return 1;
  }
  const input = releaseOf(run, shell, read.spec, cluster.value, saved);
  const giveUpAt = systemClock.now() + POST_MS;
  // A signal must not end it early: what is left to do here is what a cancel asks for.
  const released = await Promise.race([
    finish(input, giveUpAt),
    systemClock.sleepUntil(giveUpAt, new AbortController().signal).then(() => 'late' as const),
  ]);
  if (released === 'late') {
    run.log.error(
      'the rollout could not be finished in 4 minutes; its state is kept in the cluster, and the next run of this Deployment finishes it',
    );
    return 1;
  }
  if ('outcome' in released) return conclude(run, shell, released, read.spec.failOnRollback);
  if (released.kind === 'failed') run.log.error(`${released.why}; the next run of this Deployment tries again`);
  return released.kind === 'failed' ? 1 : 0;
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
