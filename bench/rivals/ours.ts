import { type Inputs, startAction, tailOf } from '../../e2e/harness/action.ts';
import { deployment, httpRoute, imageOf, service } from '../../e2e/harness/objects.ts';
import { type Context, openShop, releaseInputs, type Shop } from '../../e2e/harness/shop.ts';
import { PORT } from '../../e2e/stack/settings.ts';
import { APP, BASE_RATE, type Contender, type Judged, STEP_SECONDS, WEIGHTS } from './contender.ts';

const METRICS = `
- name: errors
  requests: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}"}
  failures: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}", code=~"5.."}
`;

const release = async (context: Context, shop: Shop, version: string, more: Inputs): Promise<Judged> => {
  const inputs = {
    ...releaseInputs(shop, imageOf(APP, version), APP),
    metrics: METRICS,
    weights: WEIGHTS.join(', '),
    interval: `${STEP_SECONDS}s`,
    ...more,
  };
  const run = await startAction(inputs, context.github.url).done;
  const { status, reason = '' } = run.outputs;
  if (status === 'promoted' || status === 'rolled-back') return { verdict: status, reason };
  return { verdict: 'no verdict', reason: `${status}: ${reason || tailOf(run)}` };
};

const contender = (name: string, key: string, more: Inputs): Contender => ({
  name,
  key,
  install: async (context, namespace) => {
    const app = deployment({
      namespace,
      name: APP,
      version: '1.0',
      podAnnotations: { 'farm/error-rate': BASE_RATE },
    });
    const route = httpRoute(namespace, APP, [{ backendRefs: [{ name: APP, port: 80 }] }]);
    const shop = await openShop(context, namespace, [app, service(namespace, APP), route]);
    return { host: shop.host, release: (version) => release(context, shop, version, more) };
  },
});

/** The shipped bundle on Prometheus alone. */
export const withStore = contender('ours, from Prometheus', 'ours-store', {});

/** And with the pods themselves as the source; the history is still Prometheus'. */
export const withScrape = contender('ours, with scrape', 'ours-scrape', { scrape: `:${PORT.farmMetrics}/metrics` });
