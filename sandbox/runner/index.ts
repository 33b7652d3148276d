import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { ChildResult } from './child.ts';
import { runChild } from './child.ts';
import type { Annotation } from './commands.ts';
import { createLineReader, parseFileCommands } from './commands.ts';

export interface RunEvent {
  readonly name: string;
  readonly payload: object;
  readonly sha?: string;
  readonly ref?: string;
}

export interface RunOptions {
  /** `dist/index.js`. Its `action.yml` lies one folder up, or where `actionFile` says. */
  readonly bundle: string;
  readonly actionFile?: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly event?: RunEvent;
  /** Where GitHub is: `url` is `GITHUB_API_URL`. */
  readonly github?: {
    readonly url: string;
    readonly serverUrl: string;
    readonly token: string;
    readonly repository: string;
  };
  readonly workspace?: string;
  /** Cancels the run as GitHub does: SIGINT, 7.5 s later SIGTERM, 2.5 s later SIGKILL; then the post step. */
  readonly cancel?: AbortSignal;
  /** Kills the process at once and runs no post step: a runner that died. */
  readonly die?: AbortSignal;
  /** Leaves the post step out: half of the time of a run that has nothing left to do in it. */
  readonly skipPost?: boolean;
  readonly onLine?: (line: string) => void;
  /** The step is killed and the run fails after this; default 120 s. */
  readonly timeoutMs?: number;
}

export interface StepResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly shown: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
  readonly exported: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly annotations: readonly Annotation[];
  readonly masks: readonly string[];
  /** Where a masked value showed up: a raw line, or `output NAME`, `summary`. Must be empty. */
  readonly leaks: readonly string[];
  /** From the start of the process to its first line. */
  readonly firstLineMs: number | null;
  readonly durationMs: number;
  readonly timedOut: boolean;
}

export interface RunResult extends StepResult {
  readonly post: StepResult | null;
  readonly workspace: string;
  readonly temp: string;
}

interface Action {
  readonly inputs?: Readonly<Record<string, { readonly default?: unknown } | null>>;
  readonly runs?: { readonly post?: string };
}

const FILES = {
  GITHUB_OUTPUT: 'output',
  GITHUB_STATE: 'state',
  GITHUB_STEP_SUMMARY: 'summary.md',
  GITHUB_ENV: 'env',
  GITHUB_PATH: 'path',
};

const readAction = (options: RunOptions): Action => {
  const file = options.actionFile ?? resolve(dirname(options.bundle), '..', 'action.yml');
  return parse(readFileSync(file, 'utf8')) as Action;
};

const inputName = (name: string): string => `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`;

/** What stands in `default:`; only the expressions that this action uses. */
const evaluated = (value: unknown, options: RunOptions): string =>
  String(value ?? '').replaceAll(/\$\{\{\s*github\.token\s*\}\}/g, options.github?.token ?? '');

const inputEnv = (action: Action, options: RunOptions): Record<string, string> => {
  const defaults = Object.entries(action.inputs ?? {}).map(
    ([name, input]) => [name, evaluated(input?.default, options)] as const,
  );
  const all = { ...Object.fromEntries(defaults), ...options.inputs };
  // As the runner hands them on: values of `with:` come without space around them only if written so.
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [inputName(name), value]));
};

const DEFAULT_EVENT: RunEvent = { name: 'workflow_dispatch', payload: { inputs: {} } };
const SHA = 'f3a91c2b7d4e5f60718293a4b5c6d7e8f9012345';

const githubEnv = (options: RunOptions, workspace: string, temp: string): Record<string, string> => {
  const event = options.event ?? DEFAULT_EVENT;
  const repository = options.github?.repository ?? 'acme/checkout';
  const server = options.github?.serverUrl ?? 'http://127.0.0.1:9';
  return {
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_ACTION: '__run',
    GITHUB_ACTION_PATH: resolve(dirname(options.bundle), '..'),
    GITHUB_ACTOR: 'octocat',
    GITHUB_TRIGGERING_ACTOR: 'octocat',
    GITHUB_API_URL: options.github?.url ?? 'http://127.0.0.1:9',
    GITHUB_GRAPHQL_URL: `${options.github?.url ?? 'http://127.0.0.1:9'}/graphql`,
    GITHUB_SERVER_URL: server,
    GITHUB_EVENT_NAME: event.name,
    GITHUB_JOB: 'release',
    GITHUB_WORKFLOW: 'Release',
    GITHUB_REF: event.ref ?? 'refs/heads/main',
    GITHUB_REF_NAME: (event.ref ?? 'refs/heads/main').replace(/^refs\/(heads|tags|pull)\//, ''),
    GITHUB_REPOSITORY: repository,
    GITHUB_REPOSITORY_OWNER: repository.split('/')[0] ?? '',
    GITHUB_RUN_ID: '4711',
    GITHUB_RUN_NUMBER: '42',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_SHA: event.sha ?? SHA,
    GITHUB_WORKSPACE: workspace,
    RUNNER_OS: process.platform === 'win32' ? 'Windows' : process.platform === 'darwin' ? 'macOS' : 'Linux',
    RUNNER_ARCH: process.arch.toUpperCase(),
    RUNNER_TEMP: temp,
    RUNNER_TOOL_CACHE: join(temp, 'tools'),
    RUNNER_NAME: 'sandbox',
  };
};

/** The machine's own environment, without what could lead to a real cluster. */
const systemEnv = (temp: string): Record<string, string> => {
  const kept = ['PATH', 'SystemRoot', 'TEMP', 'TMP', 'TMPDIR', 'LANG'];
  const own = Object.fromEntries(
    kept.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  return { ...own, HOME: temp, USERPROFILE: temp };
};

const contentOf = (file: string): string => readFileSync(file, 'utf8');

const stepFiles = (temp: string, step: string): Record<keyof typeof FILES, string> => {
  mkdirSync(join(temp, step), { recursive: true });
  const paths = Object.entries(FILES).map(([name, file]) => [name, join(temp, step, file)] as const);
  for (const [, path] of paths) writeFileSync(path, '');
  return Object.fromEntries(paths) as Record<keyof typeof FILES, string>;
};

const leaksIn = (named: Readonly<Record<string, string>>, masks: readonly string[]): string[] =>
  Object.entries(named).flatMap(([where, text]) => (masks.some((mask) => text.includes(mask)) ? [where] : []));

const runStep = async (
  options: RunOptions,
  step: 'main' | 'post',
  env: Readonly<Record<string, string>>,
  temp: string,
  cancel: AbortSignal | undefined,
): Promise<StepResult> => {
  const files = stepFiles(temp, step);
  const token = options.github?.token;
  const reader = createLineReader(token === undefined || token === '' ? [] : [token]);
  const onLine = (line: string): void => {
    const before = reader.shown.length;
    reader.read(line);
    for (const shown of reader.shown.slice(before)) options.onLine?.(shown);
  };
  const signals = { cancel, die: options.die, timeoutMs: options.timeoutMs ?? 120_000 };
  const child: ChildResult = await runChild(options.bundle, { ...env, ...files }, signals, onLine);
  const outputs = parseFileCommands(contentOf(files.GITHUB_OUTPUT));
  const summary = contentOf(files.GITHUB_STEP_SUMMARY);
  const named = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [`output ${name}`, value]));
  return {
    ...child,
    shown: reader.shown,
    outputs,
    state: parseFileCommands(contentOf(files.GITHUB_STATE)),
    exported: parseFileCommands(contentOf(files.GITHUB_ENV)),
    summary,
    annotations: reader.annotations,
    masks: reader.masks,
    leaks: [...reader.leaks, ...leaksIn({ ...named, summary }, reader.masks)],
  };
};

const stateEnv = (state: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value]));

/** Runs the bundle's main and post step as the GitHub runner does: inputs, files, commands, signals. */
export const runAction = async (options: RunOptions): Promise<RunResult> => {
  const temp = mkdtempSync(join(tmpdir(), 'canary-sandbox-run-'));
  const workspace = options.workspace ?? join(temp, 'workspace');
  mkdirSync(workspace, { recursive: true });
  const eventPath = join(temp, 'event.json');
  writeFileSync(eventPath, JSON.stringify((options.event ?? DEFAULT_EVENT).payload));
  const action = readAction(options);
  const env = {
    ...systemEnv(temp),
    ...githubEnv(options, workspace, temp),
    ...inputEnv(action, options),
    GITHUB_EVENT_PATH: eventPath,
    ...options.env,
  };
  const main = await runStep(options, 'main', env, temp, options.cancel);
  const hasPost = action.runs?.post !== undefined && options.die?.aborted !== true && options.skipPost !== true;
  const post = hasPost ? await runStep(options, 'post', { ...env, ...stateEnv(main.state) }, temp, undefined) : null;
  return { ...main, post, workspace, temp };
};
