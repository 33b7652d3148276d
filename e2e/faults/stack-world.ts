import fs from 'node:fs';
import { join } from 'node:path';
import { type ActionRun, type Inputs, startAction } from '../harness/action.ts';
import { type Case, openCase } from '../harness/case.ts';
import { type Watched, watchWeights } from '../harness/journal.ts';
import { numberAt, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { claimNothingLeft } from '../harness/remains.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import { lostSince } from '../harness/traffic.ts';
import { API_URL, PROMETHEUS_URL } from '../stack/settings.ts';
import type { Asked, Ended, Running, World } from './world.ts';

const RPS = 50;
/** Nobody listens there. */
const DEAD_URL = 'http://127.0.0.1:9';

const inputsOf = (opened: Case, asked: Asked): Inputs => ({
  ...releaseInputs(opened.shop, asked.image, 'checkout'),
  kubeconfig: asked.kubeconfig,
  prometheus: asked.prometheus,
  weights: '50',
  interval: '2s',
  drain: '2s',
  'no-data-timeout': '10s',
});

const endedOf = (run: ActionRun, post: ActionRun | null): Ended => {
  const isMain = run.outputs['status'] !== undefined || post?.outputs['status'] === undefined;
  const { outputs } = isMain ? run : post;
  return {
    status: outputs['status'] ?? '',
    reasonCode: outputs['reason-code'] ?? '',
    reason: outputs['reason'] ?? '',
    finalWeight: outputs['final-weight'] ?? '',
    log: post === null ? run.log : `${run.log}\n--- post\n${post.log}`,
    startedAt: run.startedAt,
    endedAt: (post ?? run).endedAt,
  };
};

const start = (context: Context, inputs: Inputs, gitHubIsDead: boolean): Running => {
  const github = gitHubIsDead ? DEAD_URL : context.github.url;
  const action = startAction(inputs, github);
  const state = { isCancelled: false };
  const finish = async (): Promise<Ended> => {
    const run = await action.done;
    if (!state.isCancelled) return endedOf(run, null);
    return endedOf(run, await startAction(inputs, github, run.state).done);
  };
  return {
    done: finish(),
    cancel: () => {
      state.isCancelled = true;
      void action.cancel();
    },
    kill: () => action.kill('SIGKILL'),
  };
};

/** Claims as text, for one claim about everything. */
const remainsOf = async (context: Context, { shop, before }: Case): Promise<readonly string[]> => {
  const failed: string[] = [];
  const claims = {
    ...context.claims,
    claim: (_what: string, holds: boolean, measured: unknown): void => {
      if (!holds) failed.push(JSON.stringify(measured));
    },
  };
  await claimNothingLeft({ ...context, claims }, shop, before, shop.namespace);
  return failed;
};

const worldOf = (context: Context, opened: Case, weights: Watched): World => {
  const { stack, kube } = context;
  const { shop, traffic } = opened;
  const certs = join(stack.folders.run, 'certs');
  return {
    // The server's own certificate: the clients trust it, and it is good for 127.0.0.1.
    api: {
      upstream: API_URL,
      upstreamCa: stack.certificate,
      tls: { key: fs.readFileSync(join(certs, 'apiserver.key'), 'utf8'), certificate: stack.certificate },
    },
    metrics: { upstream: PROMETHEUS_URL },
    kubeconfig: (url) => shop.kubeconfig.replaceAll(API_URL, url),
    imageOf: (tag) => imageOf('checkout', tag),
    start: (asked) => start(context, inputsOf(opened, asked), asked.gitHubIsDead),
    users: (since, failing) => {
      const lost = lostSince(traffic.answers, since, failing);
      const sent = traffic.answers.filter(({ sentAt }) => sentAt >= since).length;
      return { sent, lost: lost.length, text: `${lost.length} of ${sent}: ${JSON.stringify(lost.slice(0, 3))}` };
    },
    weight: () => {
      const { weight, from } = weights.held().at(-1) ?? { weight: 0, from: 0 };
      return { weight, since: from };
    },
    stable: async () => {
      const found = await kube.get(`${paths.deployments(shop.namespace)}/checkout`);
      return {
        image: textAt(found, 'spec', 'template', 'spec', 'containers', 0, 'image'),
        ready: ['readyReplicas', 'updatedReplicas', 'replicas'].every((key) => numberAt(found, 'status', key) === 3),
      };
    },
    remains: () => remainsOf(context, opened),
  };
};

/** A world of its own namespace on the stack, with users until `close`. */
export const openStackWorld = async (
  context: Context,
  namespace: string,
): Promise<{ readonly world: World; close(): Promise<void> }> => {
  const route = httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  const objects = [deployment({ namespace, name: 'checkout', version: '1.0' }), service(namespace, 'checkout'), route];
  const opened = await openCase(context, { namespace, objects, rps: RPS });
  const weights = await watchWeights(context.kube, route, 'checkout-canary');
  return {
    world: worldOf(context, opened, weights),
    close: async () => {
      weights.stop();
      await opened.traffic.end();
    },
  };
};
