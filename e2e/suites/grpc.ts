import {
  claimNoneLostSince,
  claimPromoted,
  claimRestored,
  claimShares,
  claimStatus,
  openCase,
  runWatched,
} from '../harness/case.ts';
import { deployment, grpcRoute, grpcService, imageOf } from '../harness/objects.ts';
import { GRPC_METRICS, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { grpcSender } from '../harness/traffic.ts';

const NAMESPACE = 'grpc';
const METRIC = 'grpc_server_handled_total';

export const grpc: Suite = {
  name: 'grpc',
  title: 'a GRPCRoute is released over HTTP/2, a bad version is rolled back',
  alone: false,
  run: async (context) => {
    const rule = { matches: [{ method: { service: 'shop.Checkout' } }], backendRefs: [{ name: 'payments', port: 80 }] };
    const route = grpcRoute(NAMESPACE, 'payments', [rule]);
    const app = deployment({ namespace: NAMESPACE, name: 'payments', version: '1.0' });
    const image = imageOf('payments', '2.0');

    const opened = await openCase(context, {
      namespace: NAMESPACE,
      objects: [app, grpcService(NAMESPACE, 'payments'), route],
      rps: 100,
      sender: grpcSender(`${NAMESPACE}.example`),
      metric: METRIC,
    });
    const inputs = { ...releaseInputs(opened.shop, image, 'payments'), metrics: GRPC_METRICS };
    const bad = await runWatched(
      context,
      { ...inputs, image: imageOf('payments', '2.0-bad50') },
      route,
      'payments-canary',
    );
    const harmed = opened.traffic.answers.filter(({ code }) => code !== 200);
    claimStatus(context, bad.run, 'rolled-back', 'metric-failed', 1);
    const onlyCanary = harmed.length > 0 && harmed.every(({ version }) => version === '2.0-bad50');
    context.claims.claim('only the bad canary failed calls', onlyCanary, `${harmed.length} calls`);
    await claimRestored(context, opened, ['GRPCRoute/payments', 'Deployment/payments', 'Service/payments']);

    const { run, held } = await runWatched(context, inputs, route, 'payments-canary');
    await opened.traffic.end();
    claimStatus(context, run, 'promoted', 'completed', 0);
    claimNoneLostSince(context, opened, run.startedAt, '2.0-bad50');
    claimShares(context, held, opened.traffic.answers, '2.0', [0.1, 0.5]);
    await claimPromoted(context, opened, 'payments', image);
    await claimRestored(context, opened, ['GRPCRoute/payments', 'Service/payments']);
  },
};
