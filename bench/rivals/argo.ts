import { at, textAt } from '../../e2e/harness/json.ts';
import { deployment, imageOf, service } from '../../e2e/harness/objects.ts';
import { type Context, openShop } from '../../e2e/harness/shop.ts';
import { PROMETHEUS_URL } from '../../e2e/stack/settings.ts';
import {
  APP,
  applyAll,
  BASE_RATE,
  type Contender,
  type Judged,
  LEAST_SUCCESS_PERCENT,
  RELEASE_MS,
  STEP_SECONDS,
  setImage,
  type Verdict,
  WEIGHTS,
  within,
} from './contender.ts';

const pathOf = (namespace: string): string => `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/${APP}`;

/** The same metric, window and bound as Flagger's. No requests are no failure: a healthy release would be aborted before it had any. */
const analysisOf = (namespace: string, intervalSeconds: number): object => {
  const pods = `namespace="${namespace}",pod_template_hash="{{args.hash}}"`;
  const rate = (more: string): string => `sum(rate(http_requests_total{${pods}${more}}[${STEP_SECONDS}s]))`;
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: 'success', namespace },
    spec: {
      args: [{ name: 'hash' }],
      metrics: [
        {
          name: 'success',
          interval: `${intervalSeconds}s`,
          failureLimit: 0,
          successCondition: `len(result) == 0 || isNaN(result[0]) || result[0] >= ${LEAST_SUCCESS_PERCENT / 100}`,
          provider: { prometheus: { address: PROMETHEUS_URL, query: `${rate(',code!~"5.."')} / ${rate('')}` } },
        },
      ],
    },
  };
};

const rolloutOf = (namespace: string): object => {
  const app = deployment({
    namespace,
    name: APP,
    version: '1.0',
    podAnnotations: { 'farm/error-rate': BASE_RATE },
  });
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: app.metadata,
    spec: {
      ...(app.spec as object),
      strategy: {
        canary: {
          stableService: APP,
          canaryService: `${APP}-canary`,
          trafficRouting: { traefik: { weightedTraefikServiceName: APP } },
          analysis: {
            templates: [{ templateName: 'success' }],
            args: [{ name: 'hash', valueFrom: { podTemplateHashValue: 'Latest' } }],
          },
          steps: WEIGHTS.flatMap((setWeight) => [{ setWeight }, { pause: { duration: `${STEP_SECONDS}s` } }]),
        },
      },
    },
  };
};

/** Its Gateway API plugin cannot be built from the module proxy: the same Traefik by its own kinds. */
const routeOf = (namespace: string): readonly object[] => [
  {
    apiVersion: 'traefik.io/v1alpha1',
    kind: 'TraefikService',
    metadata: { name: APP, namespace },
    spec: {
      weighted: {
        services: [
          { name: APP, port: 80, weight: 100 },
          { name: `${APP}-canary`, port: 80, weight: 0 },
        ],
      },
    },
  },
  {
    apiVersion: 'traefik.io/v1alpha1',
    kind: 'IngressRoute',
    metadata: { name: APP, namespace },
    spec: {
      entryPoints: ['web'],
      routes: [
        {
          kind: 'Rule',
          match: `Host(\`${namespace}.example\`)`,
          services: [{ kind: 'TraefikService', name: APP }],
        },
      ],
    },
  },
];

const isHealthy = (rollout: unknown): boolean =>
  textAt(rollout, 'status', 'phase') === 'Healthy' &&
  textAt(rollout, 'status', 'stableRS') === textAt(rollout, 'status', 'currentPodHash');

const verdictOf = (rollout: unknown): Verdict | null => {
  if (at(rollout, 'status', 'abort') === true) return 'rolled-back';
  return isHealthy(rollout) ? 'promoted' : null;
};

const release = async (context: Context, namespace: string, version: string): Promise<Judged> => {
  const path = pathOf(namespace);
  const before = textAt(await context.kube.get(path), 'status', 'currentPodHash');
  await setImage(context, path, imageOf(APP, version));
  const verdict = await within(RELEASE_MS, async () => {
    const rollout = await context.kube.get(path);
    return textAt(rollout, 'status', 'currentPodHash') === before ? null : verdictOf(rollout);
  });
  const reason = textAt(await context.kube.get(path), 'status', 'message');
  return { verdict: verdict ?? 'no verdict', reason };
};

/** Argo Rollouts with a background analysis of one failure. */
export const argo = (intervalSeconds: number): Contender => ({
  name: `Argo Rollouts 1.9.1, failureLimit 0, ${intervalSeconds} s`,
  key: `argo-${intervalSeconds}`,
  install: async (context, namespace) => {
    const selector = { app: APP };
    const shop = await openShop(context, namespace, [
      service(namespace, APP, selector),
      service(namespace, `${APP}-canary`, selector),
    ]);
    await applyAll(context, [analysisOf(namespace, intervalSeconds), rolloutOf(namespace), ...routeOf(namespace)]);
    await context.kube.until(`${namespace} healthy`, async () => isHealthy(await context.kube.get(pathOf(namespace))));
    return { host: shop.host, release: (version) => release(context, namespace, version) };
  },
});
