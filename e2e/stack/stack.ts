// A real Kubernetes control plane with fake nodes and real traffic, in a network namespace of its own.
//
//   node e2e/stack/stack.ts [--seed WORD] [COMMAND...]     starts it, runs COMMAND (a shell by default) in it, ends it

import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import {
  startApiserver,
  startControllers,
  startEtcd,
  startFarm,
  startKwok,
  startPrometheus,
  startTraefik,
} from './components.ts';
import { certificateOf, type Tokens, writeIdentities, writeKubeconfigs } from './identity.ts';
import { enterNamespace, whenAbandoned } from './namespace.ts';
import { stackObjects } from './objects.ts';
import { type Processes, superviseIn } from './processes.ts';
import {
  auditLogOf,
  BIN,
  type Folders,
  GATEWAY_URL,
  kubeconfigOf,
  manifests,
  PORT,
  PROMETHEUS_URL,
} from './settings.ts';

export interface Stack {
  readonly folders: Folders;
  readonly kubeconfig: string;
  readonly auditLog: string;
  /** PEM. */
  readonly certificate: string;
  /** Of the user `harness`, who may do everything. */
  readonly token: string;
  readonly processes: Processes;
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Ends the processes; the folder with the logs is removed unless it is to be kept. */
  stop(options: { readonly keepLogs: boolean }): Promise<void>;
}

const answers = async (port: number, path: string): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${port}${path}`)).ok;

const apiIsReady = (): Promise<boolean> =>
  new Promise((resolve) => {
    // Health is public and the certificate not known yet.
    https
      .get(
        { port: PORT.api, host: '127.0.0.1', path: '/readyz', rejectUnauthorized: false, agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode === 200);
        },
      )
      .on('error', () => resolve(false));
  });

const kubectlOf =
  (kubeconfig: string): Stack['kubectl'] =>
  async (args, input) => {
    const running = promisify(execFile)(join(BIN, 'kubectl'), ['--kubeconfig', kubeconfig, ...args], {
      maxBuffer: 64 * 2 ** 20,
    });
    running.child.stdin?.end(input ?? '');
    return (await running).stdout.trim();
  };

const makeFolders = (): Folders => {
  const run = fs.mkdtempSync(join(tmpdir(), 'canary-rollout-e2e-'));
  const data = fs.mkdtempSync(join(fs.existsSync('/dev/shm') ? '/dev/shm' : run, 'canary-rollout-data-'));
  for (const path of [join(run, 'logs'), join(data, 'etcd')]) fs.mkdirSync(path, { mode: 0o700 });
  return { run, data };
};

const startControlPlane = async (processes: Processes, folders: Folders): Promise<Tokens> => {
  const tokens = writeIdentities(folders);
  startEtcd(processes, folders);
  await processes.until('etcd healthy', () => answers(PORT.etcd, '/health'));
  startApiserver(processes, folders);
  await processes.until('apiserver ready', apiIsReady, 60_000);
  writeKubeconfigs(folders, tokens);
  startControllers(processes, folders);
  startKwok(processes, folders);
  return tokens;
};

const startDataPlane = async (
  processes: Processes,
  folders: Folders,
  seed: string,
  kubectl: Stack['kubectl'],
  more: readonly string[],
): Promise<void> => {
  startFarm(processes, folders, seed);
  startPrometheus(processes, folders);
  // Definitions before Traefik, which watches only the kinds it finds.
  const definitions = ['gatewayapi', 'traefik', ...more].flatMap((name) => ['-f', manifests(name)]);
  await kubectl(['apply', '--server-side', ...definitions]);
  await kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  const list = { apiVersion: 'v1', kind: 'List', items: stackObjects() };
  await kubectl(['apply', '--server-side', '--field-manager=stack', '-f', '-'], JSON.stringify(list));
  startTraefik(processes, folders);
  await kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=60s']);
  await processes.until('traefik healthy', () => answers(PORT.traefik, '/ping'));
  await kubectl(['wait', '--for=condition=Programmed', 'gateway', 'canary-gateway', '--timeout=60s']);
  await processes.until('farm serving', () => answers(PORT.farmMetrics, '/metrics'));
  await processes.until('prometheus ready', () => answers(PORT.prometheus, '/-/ready'));
};

export interface StackOptions {
  /** Kinds to define beside the usual ones, by the name of their folder: before Traefik starts. */
  readonly definitions?: readonly string[];
}

/** Starts everything and resolves when it serves; only inside a namespace of `enterNamespace`. */
export const startStack = async (seed: string, { definitions = [] }: StackOptions = {}): Promise<Stack> => {
  if (!fs.existsSync(join(BIN, 'traefik'))) throw new Error('build the components first: e2e/stack/build.sh');
  const folders = makeFolders();
  const processes = superviseIn(join(folders.run, 'logs'));
  const kubeconfig = kubeconfigOf(folders, 'harness');
  const kubectl = kubectlOf(kubeconfig);
  const stop: Stack['stop'] = async ({ keepLogs }) => {
    await processes.stop();
    fs.rmSync(folders.data, { recursive: true, force: true });
    if (!keepLogs) fs.rmSync(folders.run, { recursive: true, force: true });
  };
  whenAbandoned(() => {
    console.error('interrupted');
    fs.rmSync(folders.run, { recursive: true, force: true });
    process.exit(130); // The first process of the namespace: all others end with it, and its mounts are gone.
  });
  try {
    const tokens = await startControlPlane(processes, folders);
    await startDataPlane(processes, folders, seed, kubectl, definitions);
    const token = tokens.get('harness') ?? '';
    const certificate = certificateOf(folders);
    return { folders, kubeconfig, auditLog: auditLogOf(folders), certificate, token, processes, kubectl, stop };
  } catch (error) {
    await stop({ keepLogs: true });
    throw new Error(`the stack did not start; its logs are in ${folders.run}`, { cause: error });
  }
};

/** The environment of a process that is to find this stack. */
export const environmentOf = (stack: Stack): Readonly<Record<string, string>> => ({
  KUBECONFIG: stack.kubeconfig,
  PATH: `${BIN}:${process.env['PATH']}`,
  GATEWAY_URL,
  PROMETHEUS_URL,
  AUDIT_LOG: stack.auditLog,
});

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: 'string', default: '1' } },
  });
  const started = Date.now();
  const stack = await startStack(values.seed);
  console.error(`up in ${((Date.now() - started) / 1000).toFixed(1)} s; logs in ${stack.folders.run}/logs`);
  const [command = process.env['SHELL'] ?? 'sh', ...args] = positionals;
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...environmentOf(stack) } });
  process.exitCode = await new Promise<number>((resolve) => {
    child.on('error', () => resolve(127)).on('exit', (code) => resolve(code ?? 1));
  });
  await stack.stop({ keepLogs: false });
};

if (import.meta.main && enterNamespace(import.meta.filename)) await main();
