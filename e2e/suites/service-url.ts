import { auditOf } from '../harness/audit.ts';
import { claimNoneLost, claimPromoted, claimRestored, claimStatus, openCase, runAction } from '../harness/case.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const NAMESPACE = 'service-url';

export const serviceUrl: Suite = {
  name: 'service-url',
  title: 'Prometheus inside the cluster is asked through the API server',
  alone: false,
  run: async (context) => {
    const route = httpRoute(NAMESPACE, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
    const app = deployment({ namespace: NAMESPACE, name: 'checkout', version: '1.0' });
    const objects = [app, service(NAMESPACE, 'checkout'), route];
    const image = imageOf('checkout', '2.0');

    const opened = await openCase(context, { namespace: NAMESPACE, objects, rps: 100 });
    const prometheus = 'service://monitoring/prometheus:9090';
    const run = await runAction(context, {
      ...releaseInputs(opened.shop, image, 'checkout'),
      prometheus,
      weights: '50',
    });

    claimStatus(context, run, 'promoted', 'completed', 0);
    claimNoneLost(context, await opened.traffic.end());
    const proxied = auditOf(context.stack.auditLog, opened.shop.user).filter(
      ({ subresource }) => subresource === 'proxy',
    );
    const reads = proxied.length > 0 && proxied.every(({ verb, status }) => verb === 'get' && status < 300);
    context.claims.claim('its metrics came through the service proxy', reads, `${proxied.length} reads`);
    await claimPromoted(context, opened, 'checkout', image);
    await claimRestored(context, opened, ['HTTPRoute/checkout']);
  },
};
