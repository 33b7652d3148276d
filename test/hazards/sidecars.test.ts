import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { sidecars } from '../../src/hazards/sidecars.ts';
import { deployment, pod, replicaSet, resolveIn, service } from '../workloads/world.ts';
import { type Around, findAround } from './around.ts';

type Containers = readonly Record<string, unknown>[];
interface PodSpec {
  readonly containers: Containers;
  readonly [field: string]: unknown;
}

const change =
  (by: (spec: PodSpec) => object) =>
  (pod: KubeObject): KubeObject => ({ ...pod, spec: by(pod['spec'] as PodSpec) });

const withProxy = change((spec) => ({
  ...spec,
  containers: [...spec.containers, { name: 'istio-proxy', image: 'proxyv2' }],
  initContainers: [{ name: 'istio-init', image: 'proxyv2' }],
}));

const app = (rest: Record<string, unknown>) =>
  change((spec) => ({ ...spec, containers: spec.containers.map((one) => ({ ...one, ...rest })) }));

/** What an API server without any webhook makes of a pod. */
const defaulted = (token: string) =>
  change((spec) => ({
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    priority: 0,
    tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
    ...spec,
    volumes: [{ name: `kube-api-access-${token}`, projected: { defaultMode: 420 } }],
    containers: spec.containers.map((one) => ({
      resources: {},
      imagePullPolicy: 'IfNotPresent',
      volumeMounts: [{ name: `kube-api-access-${token}`, mountPath: '/var/run/secrets' }],
      ...one,
    })),
  }));

const messages = (around: Around) => findAround(sidecars, around).map(({ message }) => message);
const plan = { spec: { command: 'plan' } } as const;

describe('a container that is injected', () => {
  test('into both versions is named by `plan`, and is no word worth in a release', () => {
    expect(messages({ ...plan, admit: withProxy, stablePod: withProxy })).toEqual([
      "istio-init, istio-proxy are injected into the canary's pods too: their readiness includes them, and images are set by container name",
    ]);
    expect(messages({ admit: withProxy, stablePod: withProxy })).toEqual([]);
  });

  test('into one version only is warned of', () => {
    expect(messages({ stablePod: withProxy })).toEqual([
      "stable's pods have istio-init, istio-proxy injected, and the canary's would not",
    ]);
    expect(messages({ admit: withProxy })).toEqual([
      "the canary's pods would have istio-init, istio-proxy injected, and stable's have not",
    ]);
  });
});

test('a bare image stays enough beside an injected container, which is not in the template', () => {
  const stable = deployment();
  const { containers } = (stable['spec'] as { template: { spec: PodSpec } }).template.spec;
  const second = deployment({ podSpec: { containers: [...containers, { name: 'log', image: 'log:1' }] } });
  const owner = replicaSet(stable, '1a2b');
  const running = withProxy({ ...pod(owner, 'x1y2z'), spec: { containers } });
  const codes = (one: KubeObject) =>
    resolveIn([one, owner, running, service('checkout', { app: 'checkout' })]).findings.map(({ code }) => code);

  expect(codes(stable)).toEqual([]);
  expect(codes(second)).toEqual(['invalid-config']);
});

describe('what a webhook changes in the copy', () => {
  test('is shown by its places', () => {
    const changed = app({ image: 'mirror/app:2', env: [{ name: 'HTTP_PROXY', value: 'secret' }] });

    expect(messages({ admit: changed })).toEqual([
      "admission changes the canary's pods where it left stable's alone: spec.containers[app].env[HTTP_PROXY], spec.containers[app].image",
    ]);
  });

  test('is nothing new where it changes stable’s pods in the same places', () => {
    const changed = app({ env: [{ name: 'HTTP_PROXY', value: 'x' }] });

    expect(messages({ admit: changed, stablePod: changed })).toEqual([]);
  });

  test('is bounded to ten places', () => {
    const env = Array.from({ length: 14 }, (_, index) => ({ name: `V${index + 10}`, value: 'x' }));
    const [message] = messages({ admit: app({ env }) });

    expect(message).toContain('env[V19] and 4 more');
    expect(message).not.toContain('V20');
  });

  test('is not what every API server fills in, with a pod of stable to compare with and without', () => {
    const withoutPod = (pod: KubeObject): KubeObject => ({
      ...pod,
      metadata: { ...pod.metadata, ownerReferences: [] },
    });

    expect(messages({ admit: defaulted('abcde'), stablePod: defaulted('fghij') })).toEqual([]);
    expect(messages({ admit: defaulted('abcde'), stablePod: withoutPod })).toEqual([]);
  });

  test('is not looked at where the pod is refused: the refusal is told', () => {
    expect(messages({ admit: null, stablePod: withProxy })).toEqual([]);
  });
});
