import { setTimeout as sleep } from 'node:timers/promises';
import { startAction } from '../harness/action.ts';
import { claimNoneLost, claimPromoted, claimRestored, claimStatus, openCase, runAction } from '../harness/case.ts';
import { watchWeights } from '../harness/journal.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { httpSender, startTraffic, untilServed } from '../harness/traffic.ts';

const NAMESPACE = 'two';
const APPS = ['cart', 'pay'] as const;

const release = async (context: Context): Promise<void> => {
  const { claims, github, kube } = context;
  const rules = APPS.map((name) => ({
    matches: [{ path: { type: 'PathPrefix', value: `/${name}` } }],
    backendRefs: [{ name, port: 80 }],
  }));
  const route = httpRoute(NAMESPACE, 'shop', rules);
  const apps = APPS.flatMap((name) => [
    deployment({ namespace: NAMESPACE, name, version: '1.0' }),
    service(NAMESPACE, name),
  ]);
  const host = `${NAMESPACE}.example`;
  const opened = await openCase(context, {
    namespace: NAMESPACE,
    objects: [...apps, route],
    rps: 60,
    sender: httpSender(host, '/cart'),
  });
  const paySender = httpSender(host, '/pay');
  await untilServed(paySender);
  const pay = startTraffic({ sender: paySender, rps: 60, seed: context.seed });
  const inputsOf = (name: string) => releaseInputs(opened.shop, imageOf(name, '2.0'), name);

  const cartWeights = await watchWeights(kube, route, 'cart-canary', 0);
  const payWeights = await watchWeights(kube, route, 'pay-canary', 1);
  const cart = startAction(inputsOf('cart'), github.url);
  await kube.until('the lock', async () => (await kube.list(paths.leases(NAMESPACE))).length > 0);
  const second = await runAction(context, inputsOf('cart'));
  claimStatus(context, second, 'rejected', 'lock-held', 1);
  await sleep(1000); // Out of step with the first rollout.
  const paid = await runAction(context, inputsOf('pay'));
  const carted = await cart.done;
  cartWeights.stop();
  payWeights.stop();

  claimStatus(context, carted, 'promoted', 'completed', 0);
  claimStatus(context, paid, 'promoted', 'completed', 0);
  for (const [name, watched] of [
    ['cart', cartWeights],
    ['pay', payWeights],
  ] as const) {
    const reached = watched.held().map(({ weight }) => weight);
    const both = [0.1, 0.5].every((weight) => reached.some((held) => Math.abs(held - weight) < 0.0005));
    claims.claim(`${name} went through its own weights`, both, reached);
  }
  const overlap = Math.min(carted.endedAt, paid.endedAt) - paid.startedAt;
  claims.claim('both were under way at the same time', overlap > 10_000, `${(overlap / 1000).toFixed(1)} s`);
  claimNoneLost(context, await opened.traffic.end(), 'no request to cart is lost');
  claimNoneLost(context, await pay.end(), 'no request to pay is lost');
  for (const name of APPS) await claimPromoted(context, opened, name, imageOf(name, '2.0'));
  await claimRestored(context, opened, ['HTTPRoute/shop']);
};

export const two: Suite = {
  name: 'two',
  title: 'two rollouts share a route without touching each other; a Deployment has one rollout at a time',
  alone: false,
  run: release,
};
