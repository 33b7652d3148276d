import { type ActionRun, type Inputs, startAction, tailOf } from '../harness/action.ts';
import {
  type Case,
  claimNoneLost,
  claimPromoted,
  claimRestored,
  claimStatus,
  openCase,
  runAction,
} from '../harness/case.ts';
import { type Watched, watchWeights } from '../harness/journal.ts';
import type { KubeObject } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { httpSender, startTraffic, type Traffic, untilServed } from '../harness/traffic.ts';

const NAMESPACE = 'two';
const APPS = ['cart', 'pay'] as const;

/** One rule for each app. */
const openTwo = async (context: Context): Promise<{ opened: Case; pay: Traffic; route: KubeObject }> => {
  const rules = APPS.map((name) => ({
    matches: [{ path: { type: 'PathPrefix', value: `/${name}` } }],
    backendRefs: [{ name, port: 80 }],
  }));
  const route = httpRoute(NAMESPACE, 'shop', rules);
  const apps = APPS.map((name) => deployment({ namespace: NAMESPACE, name, version: '1.0' }));
  const services = APPS.map((name) => service(NAMESPACE, name));
  const host = `${NAMESPACE}.example`;
  const sender = httpSender(host, '/cart');
  const opened = await openCase(context, {
    namespace: NAMESPACE,
    objects: [...apps, ...services, route],
    rps: 60,
    sender,
  });
  const paySender = httpSender(host, '/pay');
  await untilServed(paySender);
  return { opened, pay: startTraffic({ sender: paySender, rps: 60, seed: context.seed }), route };
};

const inputsOf = ({ shop }: Case, name: string, version: string): Inputs =>
  releaseInputs(shop, imageOf(name, version), name);

/** Releases the first app, then the second beside it, and the first once more, which is refused. */
const releaseBoth = async (context: Context, opened: Case): Promise<readonly [ActionRun, ActionRun]> => {
  const cart = startAction(inputsOf(opened, 'cart', '2.0'), context.github.url);
  const ended = cart.done.then((run) => Promise.reject(new Error(`it ended before it took the lock: ${tailOf(run)}`)));
  const isLocked = async (): Promise<boolean> => (await context.kube.list(paths.leases(NAMESPACE))).length > 0;
  await Promise.race([ended, context.kube.until('the lock', isLocked)]);
  ended.catch(() => {}); // From here on its end is expected.
  // To be refused takes a while: the second run watches the lock for a sign of life first.
  const again = runAction(context, inputsOf(opened, 'cart', '2.0'));
  const paid = await runAction(context, inputsOf(opened, 'pay', '2.0'));
  claimStatus(context, await again, 'rejected', 'lock-held', 1);
  return [await cart.done, paid];
};

const claimWeights = ({ claims }: Context, name: string, watched: Watched): void => {
  const reached = watched.held().map(({ weight }) => weight);
  const both = [0.1, 0.5].every((weight) => reached.some((held) => Math.abs(held - weight) < 0.0005));
  claims.claim(`${name} went through its own weights`, both, reached);
};

const release = async (context: Context): Promise<void> => {
  const { opened, pay, route } = await openTwo(context);
  const weights = [
    await watchWeights(context.kube, route, 'cart-canary', 0),
    await watchWeights(context.kube, route, 'pay-canary', 1),
  ];
  const [carted, paid] = await releaseBoth(context, opened);
  for (const watched of weights) watched.stop();

  claimStatus(context, carted, 'promoted', 'completed', 0);
  claimStatus(context, paid, 'promoted', 'completed', 0);
  for (const [index, watched] of weights.entries()) claimWeights(context, APPS[index] ?? '', watched);
  const overlap = Math.min(carted.endedAt, paid.endedAt) - paid.startedAt;
  context.claims.claim('both were under way at the same time', overlap > 10_000, `${(overlap / 1000).toFixed(1)} s`);
  for (const name of APPS) await claimPromoted(context, opened, name, imageOf(name, '2.0'));
  await claimRestored(context, opened, ['HTTPRoute/shop']);

  for (const name of APPS) {
    const inputs = { ...inputsOf(opened, name, '3.0'), weights: '50' };
    claimStatus(context, await runAction(context, inputs), 'promoted', 'completed', 0);
    await claimPromoted(context, opened, name, imageOf(name, '3.0'));
  }
  claimNoneLost(context, await opened.traffic.end(), 'no request to cart is lost');
  claimNoneLost(context, await pay.end(), 'no request to pay is lost');
  await claimRestored(context, opened, ['HTTPRoute/shop']);
};

export const two: Suite = {
  name: 'two',
  title:
    'two rollouts share a route, at a time and one after another, without touching each other; a Deployment has one rollout at a time',
  alone: false,
  run: release,
};
