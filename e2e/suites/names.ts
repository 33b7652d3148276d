import {
  claimNoneLost,
  claimPromoted,
  claimRestored,
  claimShares,
  claimStatus,
  openCase,
  runWatched,
} from '../harness/case.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const NAMESPACE = 'names';
/** 60 characters: with what a ReplicaSet adds, pod names are cut by the API server, and no suffix fits a label value. */
const APP = 'storefront-checkout-payments-and-loyalty-points-eu-central-1';
/** 55 characters: `-canary` just fits the 63 of a Service. */
const SERVICE = 'storefront-checkout-payments-and-loyalty-points-eu-cent';

const release = async (context: Context): Promise<void> => {
  const rule = {
    name: 'everything',
    matches: [{ path: { type: 'PathPrefix', value: '/' } }],
    timeouts: { request: '8s', backendRequest: '4s' },
    backendRefs: [{ name: SERVICE, port: 80 }],
  };
  const route = httpRoute(NAMESPACE, APP, [rule]);
  // The Service finds the pods by a label that the Deployment's selector does not know.
  const app = deployment({
    namespace: NAMESPACE,
    name: APP,
    version: '1.0',
    labels: { app: APP },
    podLabels: { 'example.com/serves': 'checkout' },
  });
  const objects = [app, service(NAMESPACE, SERVICE, { 'example.com/serves': 'checkout' }), route];
  const image = imageOf(APP, '2.0');

  const opened = await openCase(context, { namespace: NAMESPACE, objects, rps: 100 });
  const inputs = releaseInputs(opened.shop, image, APP);
  const { run, held } = await runWatched(context, inputs, route, `${SERVICE}-canary`);
  const report = await opened.traffic.end();

  claimStatus(context, run, 'promoted', 'completed', 0);
  claimNoneLost(context, report);
  claimShares(context, held, opened.traffic.answers, '2.0', [0.1, 0.5]);
  await claimPromoted(context, opened, APP, image);
  await claimRestored(context, opened, [`HTTPRoute/${APP}`, `Service/${SERVICE}`]);
};

export const names: Suite = {
  name: 'names',
  title: 'names near the limits, selectors without a common key, a rule with timeouts',
  alone: false,
  run: release,
};
