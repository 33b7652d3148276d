import {
  claimNoneLost,
  claimPromoted,
  claimRestored,
  claimShares,
  claimStatus,
  openCase,
  runWatched,
} from '../harness/case.ts';
import { listAt, numberAt } from '../harness/json.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const release = async (context: Context, namespace: string): Promise<void> => {
  const route = httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  const objects = [deployment({ namespace, name: 'checkout', version: '1.0' }), service(namespace, 'checkout'), route];
  const image = imageOf('checkout', '2.0');

  const opened = await openCase(context, { namespace, objects, rps: 200 });
  const inputs = {
    ...releaseInputs(opened.shop, image, 'checkout'),
    weights: '5, 20, 50',
    route: 'httproute/checkout',
  };
  const { run, held } = await runWatched(context, inputs, route, 'checkout-canary');
  const report = await opened.traffic.end();

  claimStatus(context, run, 'promoted', 'completed', 0);
  const final = run.outputs['final-weight'];
  const steps = listAt(run.result, 'steps').map((step) => numberAt(step, 'weight'));
  context.claims.claim('the outputs tell it', final === '100' && steps.join() === '5,20,50', { final, steps });
  claimNoneLost(context, report);
  claimShares(context, held, opened.traffic.answers, '2.0', [0.05, 0.2, 0.5]);
  await claimPromoted(context, opened, 'checkout', image);
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Service/checkout']);
};

export const good: Suite = {
  name: 'good',
  title: 'a good release under 200 requests a second loses nothing and leaves nothing',
  alone: false,
  run: async (context) => {
    for (let turn = 1; turn <= (context.full ? 5 : 1); turn += 1) await release(context, `good-${turn}`);
  },
};
