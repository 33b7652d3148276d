import { type ActionRun, type Inputs, type RunningAction, startAction, tailOf } from '../harness/action.ts';
import { auditOf, writesOf } from '../harness/audit.ts';
import { type Case, claimNoneLost, claimStatus, openCase } from '../harness/case.ts';
import { type Watched, watchWeights } from '../harness/journal.ts';
import { listAt, numberAt, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { fits, percent, shareOf } from '../harness/traffic.ts';
import {
  AFTER_SECONDS,
  allowWatchdog,
  podText,
  restrictedProblem,
  startWatchdogPod,
  type WatchdogPod,
  watchdogInputs,
  watchdogJob,
  watchdogUser,
} from '../harness/watchdog-pod.ts';

const APP = 'checkout';
const NEW = '2.0';
const IMAGE = imageOf(APP, NEW);
/** Its interval, one renewal of the Lease, and processes on a busy machine, beside the silence itself. */
const SLACK_MS = 25_000;
const AFTER_MS = AFTER_SECONDS * 1000;
const SETTLE_MS = 1_500;

interface Watch {
  readonly opened: Case;
  readonly weights: Watched;
  readonly action: RunningAction;
  readonly pod: WatchdogPod;
}

const routeOf = (namespace: string) => httpRoute(namespace, APP, [{ backendRefs: [{ name: APP, port: 80 }] }]);

/** A release with a watchdog whose pod runs. */
const start = async (context: Context, namespace: string, given: Inputs): Promise<Watch> => {
  // One label more than the Service selects by: without a route, the canary's pods have to differ somewhere.
  const labels = { app: APP, track: 'stable' };
  const app = deployment({ namespace, name: APP, version: '1.0', replicas: 2, labels });
  const objects = [app, service(namespace, APP), routeOf(namespace)];
  const opened = await openCase(context, { namespace, objects, rps: 30 });
  const weights = await watchWeights(context.kube, routeOf(namespace), `${APP}-canary`);
  const inputs = { ...releaseInputs(opened.shop, IMAGE, APP), ...given };
  await allowWatchdog(context, opened.shop, inputs);
  const action = startAction({ ...inputs, ...watchdogInputs }, context.github.url);
  await during(context, action, 'the watchdog', async () => (await watchdogJob(context, namespace, APP)) !== null);
  return { opened, weights, action, pod: await startWatchdogPod(context, namespace, APP) };
};

/** Resolves when `check` holds, and rejects when the run ends before. */
const during = async (context: Context, action: RunningAction, what: string, check: () => Promise<boolean>) => {
  const ended = action.done.then((run) => Promise.reject(new Error(`it ended before ${what}: ${tailOf(run)}`)));
  ended.catch(() => {}); // Later its end is expected.
  await Promise.race([ended, context.kube.until(what, check)]);
};

const weightNow = (weights: Watched): number => weights.held().at(-1)?.weight ?? 0;

const untilWeight = (context: Context, { action, weights }: Watch, weight: number): Promise<void> =>
  during(context, action, `the weight ${weight}`, async () => Math.abs(weightNow(weights) - weight) < 0.001);

const kill = async ({ action }: Watch): Promise<number> => {
  action.kill('SIGKILL');
  await action.done;
  return Date.now();
};

const writesBy = (context: Context, { opened }: Watch) =>
  writesOf(auditOf(context.stack.auditLog, watchdogUser(opened.shop)));

const pause = (context: Context, { opened }: Watch, ms: number): Promise<void> => {
  const from = Date.now();
  return context.kube.until(
    'time to pass under load',
    async () => Date.now() - from > ms && (opened.traffic.answers.at(-1)?.sentAt ?? 0) > from + ms - 1000,
    ms + 30_000,
  );
};

const end = async (context: Context, { opened, weights, pod }: Watch): Promise<void> => {
  weights.stop();
  pod.kill();
  claimNoneLost(context, await opened.traffic.end(), `${opened.shop.namespace}: no request is lost`);
};

/** Everything after a moment goes to stable. */
const claimOnStable = async (context: Context, watch: Watch, from: number): Promise<void> => {
  await pause(context, watch, 3_000);
  const { share, requests } = shareOf(watch.opened.traffic.answers, '1.0', from + SETTLE_MS, Date.now());
  const { namespace } = watch.opened.shop;
  context.claims.claim(`${namespace}: users are on stable`, share === 1, `${percent(share)} of ${requests}`);
};

const claimInTime = (context: Context, what: string, killedAt: number, now: number, dueMs: number): void => {
  const took = now - killedAt;
  if (dueMs === AFTER_MS) context.claims.figure({ kind: 'latency', what: 'watchdog', ms: took });
  const text = `${(took / 1000).toFixed(1)} s, due after ${dueMs / 1000} s`;
  context.claims.claim(what, took >= dueMs - 12_000 && took <= dueMs + SLACK_MS, text);
};

/** What the Job's template promises to a cluster that is careful. */
const claimTemplate = async (context: Context, { opened, pod }: Watch): Promise<void> => {
  const problem = await restrictedProblem(context, pod);
  context.claims.claim('a namespace of the restricted profile takes its pod', problem === null, problem ?? 'taken');
  const slices = await context.kube.list(paths.endpointSlices(opened.shop.namespace));
  const pods = slices.flatMap((slice) => listAt(slice, 'endpoints')).map((one) => textAt(one, 'targetRef', 'name'));
  const chosen = pods.filter((name) => name.includes('watchdog'));
  context.claims.claim(
    'no Service sends anything to it',
    chosen.length === 0 && pods.length > 0,
    `${pods.length} endpoints`,
  );
};

/** No right was missing, and none but the ones it has was used. */
const claimRights = (context: Context, { opened }: Watch): void => {
  const events = auditOf(context.stack.auditLog, watchdogUser(opened.shop)).filter(({ resource }) => resource !== '');
  const verbs = [...new Set(events.map(({ verb, resource }) => `${verb} ${resource}`))];
  const refused = events.filter(({ status }) => status === 403).map(({ verb, uri }) => `${verb} ${uri}`);
  context.claims.claim(
    'the Role that plan printed is enough for it',
    refused.length === 0,
    refused.join() || verbs.join(),
  );
};

/** The runner is gone in the middle of a step: after a time of peace, the watchdog alone returns the traffic. */
const killed = async (context: Context): Promise<void> => {
  const watch = await start(context, 'watchdog-killed', { weights: '50', interval: '5m' });
  const { weights, pod, opened } = watch;
  await untilWeight(context, watch, 0.5);
  await claimTemplate(context, watch);
  await pause(context, watch, AFTER_MS + 5_000);
  const early = writesBy(context, watch);
  context.claims.claim(
    'it writes nothing while the runner lives',
    early.length === 0 && weightNow(weights) === 0.5,
    early,
  );
  const killedAt = await kill(watch);
  await context.kube.until('the return', async () => weightNow(weights) === 0, AFTER_MS + SLACK_MS + 30_000);
  const returnedAt = weights.held().at(-1)?.from ?? 0;
  claimInTime(context, 'it returns the traffic of a dead runner', killedAt, returnedAt, AFTER_MS);
  const { share } = shareOf(opened.traffic.answers, NEW, killedAt, returnedAt);
  context.claims.claim('until then the canary keeps its share', Math.abs(share - 0.5) < 0.06, percent(share));
  await claimOnStable(context, watch, returnedAt);
  claimRights(context, watch);
  const { namespace } = opened.shop;
  await context.kube.call('DELETE', `${paths.configMaps(namespace)}/canary-rollout-${APP}`);
  await context.kube.until('the end of the watchdog', async () => pod.ended() !== null);
  context.claims.claim('it ends when the state is gone', pod.ended() === 0, podText(pod));
  const isGone = async (): Promise<boolean> => (await watchdogJob(context, namespace, APP)) === null;
  await context.kube.until('the garbage collector', isGone);
  await end(context, watch);
};

/** Nothing but the canary is known to be good: nobody may send users away from it. */
const late = async (context: Context): Promise<void> => {
  const watch = await start(context, 'watchdog-late', { weights: '50', interval: '2s' });
  const { opened, weights, pod, action } = watch;
  const path = `${paths.deployments(opened.shop.namespace)}/${APP}`;
  const isUpdated = async (): Promise<boolean> =>
    textAt(await context.kube.get(path), 'spec', 'template', 'spec', 'containers', 0, 'image') === IMAGE;
  await during(context, action, 'the update of stable', isUpdated);
  await kill(watch);
  await context.kube.until(
    'its look',
    async () => pod.log().includes('its way back is closed'),
    AFTER_MS + SLACK_MS + 30_000,
  );
  const lookedAt = Date.now();
  await pause(context, watch, 10_000);
  const { share, requests } = shareOf(opened.traffic.answers, NEW, lookedAt, Date.now());
  const tried = writesBy(context, watch).map(({ status }) => status);
  context.claims.claim('past the point of no return its one patch is refused', tried.join() === '422', tried);
  context.claims.claim(
    'and everything stays with the canary',
    share === 1 && weightNow(weights) === 1,
    `${percent(share)} of ${requests}`,
  );
  await end(context, watch);
};

/** Nobody drives it, and that is as it should be, until its hold has ended. */
const paused = async (context: Context): Promise<void> => {
  const holdMs = 60_000;
  const namespace = 'watchdog-paused';
  const inputs = { weights: '50, 80', interval: '2s', until: '50', hold: `${holdMs / 1000}s` };
  const watch = await start(context, namespace, inputs);
  const { weights, action } = watch;
  const lease = `${paths.leases(namespace)}/canary-rollout-${APP}`;
  const isReleased = async (): Promise<boolean> =>
    textAt(await context.kube.get(lease), 'spec', 'holderIdentity') === '';
  await context.kube.until('the end of the job', isReleased, 180_000);
  const releasedAt = Date.now();
  const run: ActionRun = await action.done;
  claimStatus(context, run, 'paused', 'paused', 0);
  await pause(context, watch, releasedAt + AFTER_MS + 8_000 - Date.now());
  const held = weightNow(weights);
  context.claims.claim('it leaves a rollout alone that was left on purpose', held === 0.5, percent(held));
  await context.kube.until('the end of the hold', async () => weightNow(weights) === 0, holdMs + SLACK_MS);
  const returnedAt = weights.held().at(-1)?.from ?? 0;
  claimInTime(context, 'it returns the traffic when the hold has ended', releasedAt, returnedAt, holdMs);
  await claimOnStable(context, watch, returnedAt);
  await end(context, watch);
};

/** Pods are the weight: the canary has none in the end. */
const pods = async (context: Context): Promise<void> => {
  const watch = await start(context, 'watchdog-pods', { route: 'replicas', weights: '50', interval: '5m' });
  const { opened, action } = watch;
  const path = `${paths.deployments(opened.shop.namespace)}/${APP}-canary`;
  const has = async (count: number): Promise<boolean> =>
    numberAt(await context.kube.get(path), 'spec', 'replicas') === count &&
    (numberAt(await context.kube.get(path), 'status', 'readyReplicas') || 0) === count;
  await during(context, action, 'the canary pods', () => has(2));
  const killedAt = await kill(watch);
  await context.kube.until('the return', () => has(0), AFTER_MS + SLACK_MS + 30_000);
  claimInTime(context, 'with `replicas` it scales the canary to nothing', killedAt, Date.now(), AFTER_MS);
  await claimOnStable(context, watch, Date.now());
  claimRights(context, watch);
  await end(context, watch);
};

/** An admission policy that lets nobody but the runner change the route. */
const lockRoute = async ({ kube }: Context, namespace: string, user: string): Promise<void> => {
  const group = '/apis/admissionregistration.k8s.io/v1';
  const kind = { apiVersion: 'admissionregistration.k8s.io/v1' };
  const metadata = { name: namespace };
  const rule = {
    apiGroups: ['gateway.networking.k8s.io'],
    apiVersions: ['v1'],
    operations: ['UPDATE'],
    resources: ['httproutes'],
  };
  await kube.create(`${group}/validatingadmissionpolicies`, {
    ...kind,
    kind: 'ValidatingAdmissionPolicy',
    metadata,
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        resourceRules: [rule],
      },
      validations: [{ expression: `request.userInfo.username != '${user}'`, message: 'routes are frozen' }],
    },
  });
  await kube.create(`${group}/validatingadmissionpolicybindings`, {
    ...kind,
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata,
    spec: { policyName: namespace, validationActions: ['Deny'] },
  });
};

/** The route takes nothing: the canary Service is pointed at stable's pods. */
const refused = async (context: Context): Promise<void> => {
  const watch = await start(context, 'watchdog-refused', { weights: '50', interval: '5m' });
  const { opened, weights } = watch;
  const { namespace } = opened.shop;
  await untilWeight(context, watch, 0.5);
  await lockRoute(context, namespace, watchdogUser(opened.shop));
  const killedAt = await kill(watch);
  const isPointed = async (): Promise<boolean> =>
    textAt(await context.kube.get(`${paths.services(namespace)}/${APP}-canary`), 'spec', 'selector', 'app') === APP;
  await context.kube.until('the last resort', isPointed, AFTER_MS + SLACK_MS + 30_000);
  claimInTime(context, 'a route that refuses: it points the canary Service at stable', killedAt, Date.now(), AFTER_MS);
  await claimOnStable(context, watch, Date.now());
  const tried = writesBy(context, watch).map(({ resource, status }) => `${resource} ${status}`);
  context.claims.claim(
    'the route was asked three times',
    tried.filter((one) => one === 'httproutes 422').length === 3,
    tried,
  );
  context.claims.claim(
    'and keeps its weight',
    fits({ requests: 1, share: weightNow(weights) }, 0.5),
    percent(weightNow(weights)),
  );
  await end(context, watch);
};

export const watchdog: Suite = {
  name: 'watchdog',
  title: 'the Job in the cluster returns the traffic of a dead runner, and of nobody else',
  alone: false,
  run: async (context) => {
    const cases = [killed, paused, refused, late, pods];
    const ends = await Promise.allSettled(cases.map((run) => run(context)));
    for (const end of ends)
      if (end.status === 'rejected') context.claims.claim('each case runs to its end', false, String(end.reason));
  },
};
