import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { kubeconfig } from '../stack/identity.ts';
import { BIN } from '../stack/settings.ts';
import { type ActionRun, type Inputs, startAction, tailOf } from './action.ts';
import { at, type KubeObject, listAt, textAt } from './json.ts';
import { paths } from './kube.ts';
import { serviceAccount } from './objects.ts';
import type { Context, Shop } from './shop.ts';

// The stack has no kubelet: what one would start of the watchdog's pod is started here, as a process of this machine, with
// a token of the pod's ServiceAccount and with nothing else.

export const ACCOUNT = 'watchdog';
/** Nobody pulls it. */
const IMAGE = `registry.example/kubectl@sha256:${'0'.repeat(64)}`;
/** The least that `watchdog-after` may be. */
export const AFTER_SECONDS = 30;

export const watchdogInputs: Inputs = {
  'watchdog-image': IMAGE,
  'watchdog-service-account': ACCOUNT,
  'watchdog-after': `${AFTER_SECONDS}s`,
};

export const watchdogUser = ({ namespace }: Shop): string => `system:serviceaccount:${namespace}:${ACCOUNT}`;

/** The watchdog's Role and RoleBinding as `plan` printed them; null when it printed none. */
const roleIn = (plan: ActionRun): string | null => {
  const blocks = [...plan.summary.matchAll(/```ya?ml\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
  const isOfWatchdog = (block: string): boolean =>
    parseAllDocuments(block).some(
      (one) => textAt(one.toJS(), 'kind') === 'RoleBinding' && textAt(one.toJS(), 'subjects', 0, 'name') === ACCOUNT,
    );
  return blocks.find(isOfWatchdog) ?? null;
};

/** What a user does before the first rollout with a watchdog: makes the account, asks for the plan, applies its Role. */
export const allowWatchdog = async (context: Context, shop: Shop, inputs: Inputs): Promise<string> => {
  const { kube, stack, github } = context;
  await kube.create(paths.serviceAccounts(shop.namespace), serviceAccount(shop.namespace, ACCOUNT));
  const plan = await startAction({ ...inputs, ...watchdogInputs, command: 'plan' }, github.url).done;
  const role = roleIn(plan);
  if (role === null) throw new Error(`plan prints no Role for the watchdog: ${tailOf(plan)}`);
  await stack.kubectl(['apply', '-f', '-'], role);
  return role;
};

/** `$(NAME)` of a variable that is set, and `$$`, as Kubernetes replaces them in commands, arguments and variables. */
const expand = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (env[name] ?? whole),
  );

interface Container {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where the container may write. */
  readonly mounts: readonly string[];
}

const containerOf = (pod: unknown): Container => {
  const [container] = listAt(pod, 'spec', 'containers');
  const env: Record<string, string> = {};
  for (const variable of listAt(container, 'env'))
    env[textAt(variable, 'name')] = expand(textAt(variable, 'value'), env);
  const words = [...listAt(container, 'command'), ...listAt(container, 'args')].map((word) =>
    expand(String(word), env),
  );
  return { words, env, mounts: listAt(container, 'volumeMounts').map((mount) => textAt(mount, 'mountPath')) };
};

export interface WatchdogPod {
  /** As the Job has it. */
  readonly template: unknown;
  log(): string;
  /** Its exit code, once it ended; null before. */
  ended(): number | null;
  kill(): void;
}

/** The token of the pod's own account, as the kubelet would mount it. */
const kubeconfigFor = async ({ kube, stack }: Context, namespace: string, account: string): Promise<string> => {
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 7200 } };
  const answer = await kube.create(`${paths.serviceAccounts(namespace)}/${account}/token`, request);
  return kubeconfig(stack.certificate, textAt(answer, 'status', 'token'), namespace, account);
};

const jobPath = (namespace: string, deployment: string): string =>
  `${paths.jobs(namespace)}/${deployment}-canary-watchdog`;

export const watchdogJob = async (
  { kube }: Context,
  namespace: string,
  deployment: string,
): Promise<KubeObject | null> => {
  const { status, body } = await kube.call('GET', jobPath(namespace, deployment));
  return status === 200 ? (body as KubeObject) : null;
};

/** Runs what the Job's pod would run: its command, arguments and variables, and nothing of this process' own but the PATH. */
export const startWatchdogPod = async (
  context: Context,
  namespace: string,
  deployment: string,
): Promise<WatchdogPod> => {
  const job = await context.kube.get(jobPath(namespace, deployment));
  const template = at(job, 'spec', 'template');
  const { words, env, mounts } = containerOf(template);
  const folder = fs.mkdtempSync(join(tmpdir(), 'canary-rollout-watchdog-'));
  const config = join(folder, 'kubeconfig');
  fs.writeFileSync(config, await kubeconfigFor(context, namespace, textAt(template, 'spec', 'serviceAccountName')), {
    mode: 0o600,
  });
  const mounted = ([name, value]: readonly [string, string]) => [name, mounts.includes(value) ? folder : value];
  const [program = '', ...rest] = words;
  const child = spawn(program, rest, {
    cwd: folder,
    detached: true,
    env: {
      ...Object.fromEntries(Object.entries(env).map(mounted)),
      PATH: `${BIN}:${process.env['PATH']}`,
      KUBECONFIG: config,
    },
  });
  let log = '';
  let code: number | null = null;
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  child.on('exit', (exit) => {
    code = exit ?? -1;
    fs.rmSync(folder, { recursive: true, force: true });
  });
  return {
    template,
    log: () => log,
    ended: () => code,
    // The group: its sleep and its kubectl too.
    kill: () => void (child.pid !== undefined && code === null && process.kill(-child.pid, 'SIGKILL')),
  };
};

/** Why a namespace that enforces the restricted profile would refuse the pod; null: it takes it. */
export const restrictedProblem = async ({ kube }: Context, pod: WatchdogPod): Promise<string | null> => {
  const namespace = 'watchdog-restricted';
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await kube.call('POST', paths.namespaces(), {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels },
  });
  await kube.call('POST', paths.serviceAccounts(namespace), serviceAccount(namespace, ACCOUNT));
  const body = { apiVersion: 'v1', kind: 'Pod', ...Object(pod.template), metadata: { name: 'watchdog', namespace } };
  const answer = await kube.call('POST', `${paths.pods(namespace)}?dryRun=All`, body);
  return answer.status === 201 ? null : `${answer.status} ${textAt(answer.body, 'message')}`;
};

/** For a claim that fails. */
export const podText = (pod: WatchdogPod): string => stringify({ ended: pod.ended(), log: pod.log() });
