import { textAt } from '../../e2e/harness/json.ts';
import { paths } from '../../e2e/harness/kube.ts';
import { deployment, imageOf } from '../../e2e/harness/objects.ts';
import { type Context, openShop } from '../../e2e/harness/shop.ts';
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

/** Threshold 1 and 10 s are its floors: it raises anything lower. The metric is its built-in one. */
const canaryOf = (namespace: string): object => ({
  apiVersion: 'flagger.app/v1beta1',
  kind: 'Canary',
  metadata: { name: APP, namespace },
  spec: {
    provider: 'gatewayapi:v1',
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: APP },
    progressDeadlineSeconds: 60,
    service: {
      port: 80,
      targetPort: 8080,
      hosts: [`${namespace}.example`],
      gatewayRefs: [{ name: 'canary-gateway', namespace: 'default' }],
    },
    analysis: {
      interval: `${STEP_SECONDS}s`,
      threshold: 1,
      stepWeights: [...WEIGHTS],
      metrics: [
        {
          name: 'request-success-rate',
          interval: `${STEP_SECONDS}s`,
          thresholdRange: { min: LEAST_SUCCESS_PERCENT },
        },
      ],
    },
  },
});

const VERDICTS: Readonly<Record<string, Verdict>> = { Succeeded: 'promoted', Failed: 'rolled-back' };

const phaseOf = async ({ kube }: Context, namespace: string): Promise<string> =>
  textAt(await kube.get(`/apis/flagger.app/v1beta1/namespaces/${namespace}/canaries/${APP}`), 'status', 'phase');

const release = async (context: Context, namespace: string, version: string): Promise<Judged> => {
  await setImage(context, `${paths.deployments(namespace)}/${APP}`, imageOf(APP, version));
  const phase = (): Promise<string> => phaseOf(context, namespace);
  // The phase of the release before stands until this one is noticed.
  const begun = await within(60_000, async () => ((await phase()) === 'Progressing' ? true : null));
  if (begun === null) return { verdict: 'no verdict', reason: 'it did not notice the release' };
  const verdict = await within(RELEASE_MS, async () => VERDICTS[await phase()] ?? null);
  return { verdict: verdict ?? 'no verdict', reason: verdict === null ? `still ${await phase()}` : '' };
};

export const flagger: Contender = {
  name: 'Flagger 1.44.0, threshold 1, 10 s',
  key: 'flagger',
  install: async (context, namespace) => {
    const app = deployment({
      namespace,
      name: APP,
      version: '1.0',
      podAnnotations: { 'farm/error-rate': BASE_RATE },
    });
    const shop = await openShop(context, namespace, [app]);
    await applyAll(context, [canaryOf(namespace)]);
    const isReady = async (): Promise<boolean> => (await phaseOf(context, namespace)) === 'Initialized';
    await context.kube.until(`Flagger to take over ${namespace}`, isReady, 120_000);
    return { host: shop.host, release: (version) => release(context, namespace, version) };
  },
};
