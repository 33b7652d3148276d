import {
  claimNoneLost,
  claimPromoted,
  claimRestored,
  claimShares,
  claimStatus,
  openCase,
  runWatched,
} from '../harness/case.ts';
import type { KubeObject } from '../harness/json.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { fits, httpSender, percent, shareOf, startTraffic, untilServed } from '../harness/traffic.ts';

const NAMESPACE = 'routes';

/** A rule shared with a foreign backend, one of our own, and one that is none of our business. */
const rules = [
  {
    matches: [{ path: { type: 'PathPrefix', value: '/api' }, method: 'POST' }],
    filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { add: [{ name: 'x-team', value: 'shop' }] } }],
    timeouts: { request: '10s', backendRequest: '5s' },
    backendRefs: [
      { name: 'catalog', port: 80, weight: 20 },
      { name: 'checkout', port: 80, weight: 80 },
    ],
  },
  {
    name: 'pay',
    matches: [
      { path: { type: 'Exact', value: '/pay' } },
      { path: { type: 'PathPrefix', value: '/buy' }, headers: [{ name: 'x-shop', value: 'one' }] },
    ],
    timeouts: { request: '3s' },
    backendRefs: [{ name: 'checkout', port: 80 }],
  },
  { matches: [{ path: { type: 'PathPrefix', value: '/catalog' } }], backendRefs: [{ name: 'catalog', port: 80 }] },
];

const objectsOf = (route: KubeObject): readonly KubeObject[] => [
  deployment({ namespace: NAMESPACE, name: 'checkout', version: '1.0' }),
  deployment({ namespace: NAMESPACE, name: 'catalog', version: '9.0', replicas: 1 }),
  service(NAMESPACE, 'checkout'),
  service(NAMESPACE, 'catalog'),
  route,
];

const release = async (context: Context): Promise<void> => {
  const route = httpRoute(NAMESPACE, 'shop', rules);
  const objects = objectsOf(route);
  const image = imageOf('checkout', '2.0');
  const host = `${NAMESPACE}.example`;

  const opened = await openCase(context, {
    namespace: NAMESPACE,
    objects,
    rps: 100,
    sender: httpSender(host, '/api/a'),
  });
  const paySender = httpSender(host, '/pay');
  await untilServed(paySender);
  const pay = startTraffic({ sender: paySender, rps: 100, seed: context.seed });
  const startedAt = Date.now();
  const { run, held } = await runWatched(
    context,
    releaseInputs(opened.shop, image, 'checkout'),
    route,
    'checkout-canary',
    1,
  );
  const api = await opened.traffic.end();
  const paid = await pay.end();

  claimStatus(context, run, 'promoted', 'completed', 0);
  claimNoneLost(context, api, 'no request of the shared rule is lost');
  claimNoneLost(context, paid, 'no request of the own rule is lost');
  claimShares(context, held, pay.answers, '2.0', [0.1, 0.5]);
  const foreign = shareOf(opened.traffic.answers, '9.0', startedAt, run.endedAt);
  const measured = `${percent(foreign.share)} of ${foreign.requests} requests`;
  context.claims.figure({ kind: 'share-error', value: Math.abs(foreign.share - 0.2) });
  context.claims.claim('the foreign backend keeps its 20 % throughout', fits(foreign, 0.2), measured);
  await claimPromoted(context, opened, 'checkout', image);
  await claimRestored(context, opened, ['HTTPRoute/shop', 'Deployment/catalog', 'Service/catalog', 'Service/checkout']);
};

export const routes: Suite = {
  name: 'routes',
  title: 'an HTTPRoute with several rules, filters, timeouts and a foreign backend comes back as it was',
  alone: false,
  run: release,
};
