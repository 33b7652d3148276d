import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { at, textAt } from './json.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What is tested: the bundle as it is shipped, or another one to compare with. */
export const BUNDLE = process.env['CANARY_E2E_BUNDLE'] ?? join(ROOT, 'dist/index.js');

export type Inputs = Readonly<Record<string, string>>;

export interface ActionRun {
  readonly exitCode: number;
  readonly outputs: Readonly<Record<string, string>>;
  /** What it left for its post step. */
  readonly state: Readonly<Record<string, string>>;
  /** The output `result`, read. */
  readonly result: unknown;
  /** Standard output and error in order. */
  readonly log: string;
  readonly summary: string;
  /** Epoch ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** From the start of the process to its first line, in ms. */
  readonly firstLineMs: number;
}

/** ms from SIGINT to SIGTERM, and from there to SIGKILL. */
export type Patience = readonly [term: number, kill: number];

export interface RunningAction {
  readonly done: Promise<ActionRun>;
  kill(signal: NodeJS.Signals): void;
  /** As the runner cancels a step, or with less patience (ms); resolves when the process is gone. */
  cancel(patience?: Patience): Promise<ActionRun>;
}

/** The defaults that the runner would pass, from action.yml. */
const defaults = (): Inputs => {
  const action: unknown = parse(fs.readFileSync(join(BUNDLE, '../../action.yml'), 'utf8'));
  const inputs = Object.entries((at(action, 'inputs') ?? {}) as Record<string, unknown>);
  return Object.fromEntries(
    inputs.map(([name, input]) => [name, textAt(input, 'default').replace(/\$\{\{ *github\.token *\}\}/, 'e2e-token')]),
  );
};

/** `name=value` and `name<<mark … mark`, as the runner reads its command files. */
export const parseCommandFile = (text: string): Readonly<Record<string, string>> => {
  const values: Record<string, string> = {};
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const [, name, mark] = /^([^=<]+)<<(.+)$/.exec(lines[index] ?? '') ?? [];
    if (name !== undefined && mark !== undefined) {
      const end = lines.indexOf(mark, index + 1);
      values[name] = lines.slice(index + 1, end).join('\n');
      index = end;
      continue;
    }
    const [, key, value] = /^([^=]+)=(.*)$/.exec(lines[index] ?? '') ?? [];
    if (key !== undefined) values[key] = value ?? '';
  }
  return values;
};

interface Files {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  read(name: string): string;
}

/** The files and variables that a runner gives to a step. */
const makeFiles = (github: string): Files => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'canary-rollout-step-'));
  const file = (name: string, content: string): string => {
    fs.writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  fs.mkdirSync(join(folder, 'workspace'));
  fs.mkdirSync(join(folder, 'temp'));
  const env = {
    GITHUB_ACTIONS: 'true',
    GITHUB_OUTPUT: file('output', ''),
    GITHUB_STATE: file('state', ''),
    GITHUB_ENV: file('env', ''),
    GITHUB_PATH: file('path', ''),
    GITHUB_STEP_SUMMARY: file('summary', ''),
    GITHUB_EVENT_PATH: file('event', JSON.stringify({ ref: 'refs/heads/main', repository: { private: true } })),
    GITHUB_EVENT_NAME: 'push',
    GITHUB_REPOSITORY: 'acme/checkout',
    GITHUB_REPOSITORY_OWNER: 'acme',
    GITHUB_SHA: '0123456789abcdef0123456789abcdef01234567',
    GITHUB_REF: 'refs/heads/main',
    GITHUB_ACTOR: 'octocat',
    GITHUB_RUN_ID: '42',
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_WORKFLOW: 'release',
    GITHUB_JOB: 'release',
    GITHUB_API_URL: github,
    GITHUB_SERVER_URL: 'https://github.example',
    GITHUB_WORKSPACE: join(folder, 'workspace'),
    RUNNER_TEMP: join(folder, 'temp'),
    RUNNER_OS: 'Linux',
  };
  return { folder, env, read: (name) => fs.readFileSync(join(folder, name), 'utf8') };
};

const resultOf = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
};

const readFiles = (files: Files): Pick<ActionRun, 'outputs' | 'state' | 'result' | 'summary'> => {
  const outputs = parseCommandFile(files.read('output'));
  const state = parseCommandFile(files.read('state'));
  return { outputs, state, result: resultOf(outputs['result']), summary: files.read('summary') };
};

const spawnStep = (
  files: Files,
  given: Inputs,
  state: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>>,
): ChildProcess => {
  const inputs = Object.entries({ ...defaults(), ...given });
  return spawn(process.execPath, [BUNDLE], {
    cwd: join(files.folder, 'workspace'),
    env: {
      PATH: process.env['PATH'],
      HOME: files.folder,
      ...files.env,
      ...environment,
      ...Object.fromEntries(inputs.map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
      ...Object.fromEntries(Object.entries(state).map(([name, value]) => [`STATE_${name}`, value])),
    },
  });
};

/** How long the runner waits after SIGINT, and then after SIGTERM (actions/runner, ProcessInvoker.cs). */
const PATIENCE_MS: Patience = [7500, 2500];

const cancel = async (
  child: ChildProcess,
  done: Promise<ActionRun>,
  [term, kill] = PATIENCE_MS,
): Promise<ActionRun> => {
  const timers = [setTimeout(() => child.kill('SIGTERM'), term), setTimeout(() => child.kill('SIGKILL'), term + kill)];
  child.kill('SIGINT');
  try {
    return await done;
  } finally {
    timers.forEach(clearTimeout);
  }
};

/**
 * Runs the shipped bundle as a step of a workflow would; as its post step with the state that the main step left; with
 * variables of its own, such as another GITHUB_RUN_ID; with files in its workspace, by name.
 */
export const startAction = (
  given: Inputs,
  github: string,
  state: Readonly<Record<string, string>> = {},
  environment: Readonly<Record<string, string>> = {},
  workspace: Readonly<Record<string, string>> = {},
): RunningAction => {
  const files = makeFiles(github);
  for (const [name, text] of Object.entries(workspace)) fs.writeFileSync(join(files.folder, 'workspace', name), text);
  const startedAt = Date.now();
  const child = spawnStep(files, given, state, environment);
  let log = '';
  let firstLineMs = 0;
  const onData = (chunk: Buffer): void => {
    log += chunk.toString();
    if (firstLineMs === 0 && log.includes('\n')) firstLineMs = Date.now() - startedAt;
  };
  child.stdout?.on('data', onData);
  child.stderr?.on('data', onData);
  const done = new Promise<ActionRun>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const read = readFiles(files);
      fs.rmSync(files.folder, { recursive: true, force: true });
      resolve({ exitCode: code ?? -1, ...read, log, startedAt, endedAt: Date.now(), firstLineMs });
    });
  });
  return { done, kill: (signal) => void child.kill(signal), cancel: (patience) => cancel(child, done, patience) };
};

/** The end of the log, for a claim that fails. */
export const tailOf = (run: ActionRun): string =>
  run.log
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('::add-mask::'))
    .slice(-12)
    .join(' ⏎ ');
