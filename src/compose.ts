import { randomBytes } from 'node:crypto';
import { INPUTS } from './config/inputs.ts';
import { DEFAULT_CONFIG_PATH, pathProblem } from './config/path.ts';
import { type ConfigRead, type ConfigText, readSpec } from './config/read.ts';
import { secretsOf } from './config/secrets.ts';
import type { Settings } from './config/settings.ts';
import { createJournal, type Journal } from './core/journal.ts';
import { shortHash } from './core/marks.ts';
import type { Issue } from './core/outcome.ts';
import type { ControlSpec, Spec } from './core/spec.ts';
import { systemClock } from './drive/clock.ts';
import type { Means } from './drive/context.ts';
import { type FanOut, fanOut } from './drive/reporting.ts';
import { createClient, type GitHubClient } from './github/client.ts';
import { type RunContext, readContext } from './github/context.ts';
import { type Inputs, maskSecrets, readInputs } from './github/inputs.ts';
import { type ActionLog, createLog, outliveReaders, printLine } from './github/log.ts';
import { buildReporters, type Reporters } from './github/reporters.ts';
import { onCancel } from './github/signals.ts';
import { saveRun } from './github/state.ts';
import { readWorkspaceFile } from './github/workspace-file.ts';
import { HAZARDS } from './hazards/index.ts';
import { connect } from './kube/cluster.ts';
import { createStore } from './kube/store.ts';
import { createSources } from './metrics/index.ts';
import { PRESET_NAMES, PRESETS } from './metrics/presets/index.ts';
import { createHttp } from './net/http.ts';
import { proxyFor } from './net/proxy.ts';
import type { Cluster } from './ports/cluster.ts';
import type { OpenRollout, Store } from './ports/store.ts';
import { routeKinds, routers } from './routers/index.ts';
import { jobWatchdog } from './watchdog/index.ts';
import { deploymentWorkload } from './workloads/index.ts';

/** Everything the process itself is: its environment, its console, and whether somebody asked it to end. */
export interface Process {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly context: RunContext;
  readonly inputs: Inputs;
  readonly log: ActionLog;
  readonly cancelled: AbortSignal;
}

export interface Shell {
  readonly journal: Journal;
  readonly reporters: Reporters;
  readonly reports: FanOut;
  readonly github: GitHubClient | null;
}

/** What releases and commands have in common. */
type Asked = Pick<Spec | ControlSpec, 'namespace' | 'deployment' | 'podLogs' | 'sources'> &
  Partial<Pick<Spec, 'watchdog'>>;

const onCancelText = ({ values }: Inputs): string =>
  values['on-cancel'] === 'keep'
    ? 'the rollout is left as it is, if it still can be'
    : 'all traffic goes back to stable at once, if it still can';

export const start = (): Process => {
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
    if (!cancel.signal.aborted) log.warning(`${signal}: the run is being cancelled; ${onCancelText(inputs)}`);
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
  const wrong = pathProblem(path);
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

/** Whole applications are in it, as `kustomize build` prints them. */
const MANIFEST_KIB = 1_024;

export const configure = (run: Process): ConfigRead => {
  const { file, issue } = readFile(run);
  const catalogue = {
    routeKinds: routeKinds.map(({ router, kind }) => ({ router, kind: kind.kind, aliases: kind.aliases })),
    presets: PRESET_NAMES,
  };
  const { values, unknown } = run.inputs;
  const workspace = run.context.workspace ?? process.cwd();
  const workspaceFile = (path: string) => readWorkspaceFile(workspace, path, MANIFEST_KIB);
  return readSpec({ inputs: values, unknownInputs: unknown, file, fileIssue: issue, workspaceFile }, catalogue);
};

/**
 * For the post step: steps in between may have removed the manifest or changed the config file, and what main began has to
 * be finished all the same. What is needed for that is what `command: abort` needs.
 */
export const configureAgain = (run: Process): ConfigRead => {
  const read = configure(run);
  if (askedIn(read) !== null) return read;
  const values = { ...run.inputs.values, command: 'abort' };
  return configure({ ...run, inputs: { ...run.inputs, values } });
};

/** null: it could not be read. */
export const askedIn = (read: ConfigRead): Spec | ControlSpec | null =>
  'spec' in read ? read.spec : 'control' in read ? read.control : null;

// --- composition --------------------------------------------------------------

export const shellOf = (run: Process, settings: Settings, asked: Asked | null): Shell => {
  const { context, log, inputs } = run;
  const github =
    settings.githubToken === null ? null : createClient({ token: settings.githubToken, apiUrl: context.apiUrl });
  const warn = (text: string): void => log.warning(text);
  const reporters = buildReporters({
    client: github,
    context,
    settings: {
      target: {
        namespace: asked?.namespace ?? inputs.values['namespace'] ?? null,
        deployment: asked?.deployment ?? inputs.values['deployment'] ?? '',
      },
      comment: settings.comment,
      commitStatus: settings.commitStatus,
      podLogs: asked?.podLogs ?? 'off',
      steers: asked !== null && !('images' in asked),
    },
    now: systemClock.now,
    warn,
  });
  return { journal: createJournal(), reporters, reports: fanOut(reporters.all, warn), github };
};

export const token = (): string => randomBytes(12).toString('hex');

export const connectTo = ({ environment }: Process, settings: Settings, holder: string) =>
  connect({
    kubeconfig: settings.kubeconfig,
    context: settings.context,
    environment,
    // Tells runs apart in audit logs without giving away the holder, which proves to the lock who we are.
    userAgent: `canary-rollout/${shortHash(holder)}`,
    proxyFor: (url) => proxyFor(url, environment),
  });

/** All that a job works with: everything in the world that it can reach. */
export const meansOf = (
  run: Process,
  shell: Shell,
  asked: Asked,
  cluster: Cluster,
  ids: { readonly holder: string; readonly rolloutId: string },
): Means => ({
  holder: { id: ids.holder, runUrl: run.context.runUrl },
  cluster,
  routers,
  hazards: HAZARDS,
  workload: deploymentWorkload,
  watchdog: jobWatchdog(asked.watchdog ?? null),
  source: sourceOf(run, asked, cluster),
  presets: PRESETS,
  clock: systemClock,
  cancelled: run.cancelled,
  log: (entry) => {
    shell.journal.add(entry);
    run.log.entry(entry);
  },
  locked: (target) => saveRun({ target, ...ids, finished: false }),
  progress: (rollout) => shell.reports.report(rollout, shell.journal.entries()),
});

const sourceOf = ({ environment }: Process, { sources }: Asked, cluster: Cluster): Means['source'] =>
  createSources(sources, { http: createHttp({ environment }), cluster, clock: systemClock });

export const storeOf = (cluster: Cluster, { namespace, deployment }: OpenRollout): Store =>
  createStore({
    cluster,
    namespace,
    deployment,
    clock: systemClock,
    randomToken: token,
    routeKinds: routers.flatMap(({ kinds }) => kinds),
  });
