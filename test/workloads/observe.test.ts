import { describe, expect, test } from 'vitest';
import { type KubeObject, listRef, NODE, refKey } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import { mergeSeen } from '../../src/drive/read.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { created, deployment, type PodOptions, pod, replicaSet, seeFor, service, slice, targetIn } from './world.ts';

const STABLE = deployment();
const SERVICE = service('checkout', { app: 'checkout' });
const TARGET = targetIn([STABLE, SERVICE]);
const STATUS = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };
const canaryWith = (status: Record<string, unknown>, replicas = 1): KubeObject => ({
  ...created(seeFor(TARGET, [STABLE, SERVICE]), TARGET, 'canary', replicas),
  status: { ...STATUS, ...status },
});
const CANARY = canaryWith({});
const STABLE_SET = replicaSet(STABLE, 'aaa');
const CANARY_SET = replicaSet(CANARY, 'bbb', 1, 1);

const SERVICES = [SERVICE, service('checkout-canary', { app: 'checkout-canary' })];

/** Both Services are there. */
const observe = (objects: readonly KubeObject[], target: Target = TARGET, pods = true) =>
  deploymentWorkload.observe(seeFor(target, [...objects, ...SERVICES], pods), target);

describe('an arm', () => {
  test('is told from its Deployment, Service and pods', () => {
    const image = { containerStatuses: [{ name: 'app', ready: true, imageID: 'docker-pullable://app@sha256:1' }] };
    const one = pod(STABLE_SET, 'bbbbb', { status: image });
    const two = pod(STABLE_SET, 'ccccc', { status: image });

    const { stable } = observe([
      STABLE,
      SERVICE,
      STABLE_SET,
      one,
      two,
      slice('checkout', [{ pod: one.metadata.name }, { pod: two.metadata.name }]),
    ]);

    expect(stable).toEqual({
      uid: STABLE.metadata.uid,
      replicas: 3,
      ready: 3,
      endpoints: 2,
      rolledOut: true,
      template: expect.stringMatching(/^[0-9a-f]{64}$/),
      images: [{ container: 'app', image: 'app:1' }],
      imageIds: ['app@sha256:1'],
      problem: null,
      lives: { [one.metadata.name]: expect.any(String), [two.metadata.name]: expect.any(String) },
    });
  });

  test('is null without its Deployment', () => {
    expect(observe([STABLE, SERVICE]).canary).toBeNull();
  });

  test('has a template hash that depends on the template alone, not on the order of its members', () => {
    const spec = STABLE['spec'] as { template: { metadata: { labels: unknown }; spec: object } };
    const { template } = spec;
    const turned = {
      spec: Object.fromEntries(Object.entries(template.spec).reverse()),
      metadata: { labels: template.metadata.labels },
    };
    const same = { ...STABLE, spec: { ...spec, replicas: 9, template: turned } };
    const hash = (object: KubeObject) => observe([object]).stable?.template;

    expect(hash(same)).toBe(hash(STABLE));
    expect(hash(deployment({ templateAnnotations: { changed: '1' } }))).not.toBe(hash(STABLE));
  });
});

describe('endpoints', () => {
  const count = (slices: readonly KubeObject[]) => observe([CANARY, STABLE, ...slices]).canary?.endpoints;

  test('are ready unless said otherwise, and not terminating', () => {
    const endpoints = [
      { pod: 'a' },
      { pod: 'b', ready: null },
      { pod: 'c', ready: false },
      { pod: 'd', ready: true, terminating: true },
    ];

    expect(count([slice('checkout-canary', endpoints)])).toBe(2);
  });

  test('of one pod in slices of two IP families count once', () => {
    const slices = ['v4', 'v6'].map((name) => slice('checkout-canary', [{ pod: 'a' }, { pod: 'b' }], name));

    expect(count(slices)).toBe(2);
  });

  test('of the other Service do not count', () => {
    expect(count([slice('checkout', [{ pod: 'a' }])])).toBe(0);
  });

  test('of a shared Service are told apart by the ReplicaSets, with and without the pods', () => {
    const shared: Target = { ...TARGET, canaryService: null };
    const [one, two] = [pod(STABLE_SET, 'bbbbb'), pod(CANARY_SET, 'ccccc')];
    const objects = [STABLE, CANARY, STABLE_SET, CANARY_SET, one, two].concat(
      slice('checkout', [{ pod: one.metadata.name }, { pod: two.metadata.name }, { pod: 'stray-ddddd' }]),
    );

    for (const pods of [true, false]) {
      const { stable, canary } = observe(objects, shared, pods);
      expect([stable?.endpoints, canary?.endpoints]).toEqual([1, 1]);
    }
  });

  test('of a Service that was deleted are none, though its slices are still there', () => {
    const objects = [
      STABLE,
      CANARY,
      SERVICE,
      slice('checkout', [{ pod: 'a' }]),
      slice('checkout-canary', [{ pod: 'b' }]),
    ];
    const { stable, canary } = deploymentWorkload.observe(seeFor(TARGET, objects), TARGET);

    expect([stable?.endpoints, canary?.endpoints]).toEqual([1, 0]);
  });

  test('are unknown without a Service, and when nobody read them', () => {
    const worker: Target = { ...TARGET, service: null, canaryService: null };
    const { objects } = seeFor(TARGET, [STABLE, SERVICE]);

    expect(observe([STABLE], worker).stable?.endpoints).toBeNull();
    expect(deploymentWorkload.observe({ objects, lists: new Map() }, TARGET).stable?.endpoints).toBeNull();
  });
});

describe('image ids', () => {
  test('are those of the current template’s pods, of judged containers only', () => {
    const old = replicaSet(STABLE, 'old', 1);
    const current = replicaSet(STABLE, 'new', 2);
    const running = (imageID: string): PodOptions => ({
      status: {
        containerStatuses: [
          { name: 'app', ready: true, imageID },
          { name: 'istio-proxy', ready: true, imageID: 'sidecar@sha256:9' },
        ],
      },
    });

    const { stable } = observe([
      STABLE,
      old,
      current,
      pod(old, 'aaaaa', running('app@sha256:1')),
      pod(current, 'bbbbb', running('app@sha256:2')),
      pod(current, 'ccccc', running('app@sha256:2')),
      pod(current, 'ddddd', running('')),
    ]);

    expect(stable?.imageIds).toEqual(['app@sha256:2']);
  });
});

describe('the platform of an image', () => {
  const running = (imageID: string, spec: Record<string, unknown>, suffix: string): KubeObject => ({
    ...pod(STABLE_SET, suffix, { status: { containerStatuses: [{ name: 'app', ready: true, imageID }] } }),
    spec,
  });
  const node = (name: string, labels: Record<string, string>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels },
  });
  const nodes = [node('node-1', { 'kubernetes.io/arch': 'arm64' }), node('node-2', {})];
  const platforms = (objects: readonly KubeObject[], seenNodes: readonly KubeObject[] | null) => {
    const seen = seeFor(TARGET, [STABLE, STABLE_SET, ...objects, ...SERVICES]);
    const lists = new Map(seenNodes === null ? [] : [[refKey(listRef(NODE, '')), seenNodes]]);
    return deploymentWorkload.observe(mergeSeen(seen, { objects: new Map(), lists }), TARGET).stable?.platforms;
  };
  const pods = [
    running('app@sha256:2', { nodeName: 'node-1' }, 'aaaaa'),
    running('app@sha256:1', { nodeName: 'node-2', nodeSelector: { 'kubernetes.io/arch': 'amd64' } }, 'bbbbb'),
    running('app@sha256:1', { nodeName: 'node-2', nodeSelector: { 'kubernetes.io/arch': 'amd64' } }, 'ccccc'),
    running('app@sha256:3', { nodeName: 'node-2' }, 'ddddd'),
  ];

  test('is what its pod asks for, or its node says, where nodes were read', () => {
    expect(platforms(pods, nodes)).toEqual([
      { id: 'app@sha256:1', platform: 'amd64' },
      { id: 'app@sha256:2', platform: 'arm64' },
    ]);
    expect(platforms(pods, null)).toEqual([{ id: 'app@sha256:1', platform: 'amd64' }]);
  });

  test('is left out where it is known of none', () => {
    expect(platforms(pods.slice(0, 1), null)).toBeUndefined();
  });
});

describe('the problem of an arm', () => {
  const notReady = canaryWith({ readyReplicas: 0, availableReplicas: 0 });
  const withPod = (status: Record<string, unknown>) =>
    observe([STABLE, notReady, CANARY_SET, pod(CANARY_SET, 'zzzzz', { status: { conditions: [], ...status } })]).canary
      ?.problem;
  const container = (fields: Record<string, unknown>) => withPod({ containerStatuses: [{ name: 'app', ...fields }] });
  const name = 'pod checkout-canary-bbb-zzzzz';

  test('is the waiting reason with its message', () => {
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image "app:2"' };

    expect(container({ state: { waiting } })).toBe(
      `${name}: container app: ImagePullBackOff: Back-off pulling image "app:2"`,
    );
  });

  test('is the last exit and the restarts of a crashing container', () => {
    const problem = container({
      restartCount: 4,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    });

    expect(problem).toBe(
      `${name}: container app: CrashLoopBackOff: back-off 40s; last exit code 137 (OOMKilled), 4 restarts`,
    );
  });

  test('is a running container that is not ready', () => {
    expect(container({ ready: false, state: { running: {} } })).toBe(`${name}: container app: running, not ready`);
  });

  test('is why a pod is not scheduled', () => {
    const message = '0/3 nodes are available: 3 Insufficient cpu.';

    expect(
      withPod({
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
      }),
    ).toBe(`${name}: Unschedulable: ${message}`);
  });

  test('is the worst of several pods, of those that are not on their way out', () => {
    const waiting = (reason: string) => ({
      conditions: [],
      containerStatuses: [{ name: 'app', state: { waiting: { reason } } }],
    });
    const gone = { deletionTimestamp: '2026-01-01T00:00:00Z' };

    const { canary } = observe([
      STABLE,
      notReady,
      CANARY_SET,
      pod(CANARY_SET, 'aaaaa', { status: waiting('ContainerCreating') }),
      pod(CANARY_SET, 'bbbbb', { status: waiting('ErrImagePull') }),
      pod(CANARY_SET, 'ccccc', { status: waiting('CrashLoopBackOff'), metadata: gone }),
    ]);

    expect(canary?.problem).toBe('pod checkout-canary-bbb-bbbbb: container app: ErrImagePull');
  });

  test('is a quota or an admission that lets no pod be made', () => {
    const message = 'pods "x" is forbidden: exceeded quota';
    const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }];

    expect(observe([STABLE, canaryWith({ readyReplicas: 0, conditions })]).canary?.problem).toBe(
      `pods cannot be created: ${message}`,
    );
  });

  test('is one line without control characters, of at most 300 characters, and not escaped', () => {
    const message = `<img>\n::error::${'\u001b[31m'}\u202e ${'x'.repeat(400)}`;
    const problem = container({ state: { waiting: { reason: 'Bad', message } } }) ?? '';

    expect(problem).toContain('Bad: <img> ::error::');
    expect(problem).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect([...problem]).toHaveLength(300);
  });

  test('is nothing when only the number of pods is known, which others say', () => {
    expect(observe([STABLE, notReady]).canary?.problem).toBeNull();
  });

  test('is nothing when all pods are ready', () => {
    expect(observe([STABLE, CANARY, CANARY_SET, pod(CANARY_SET, 'aaaaa')]).canary?.problem).toBeNull();
  });

  test('does not fall over anything that is not a pod status', () => {
    for (const status of [{ containerStatuses: 'x', conditions: 7 }, { containerStatuses: [null, 3, { state: [] }] }]) {
      expect(withPod(status)).toContain('pod checkout-canary-bbb-zzzzz');
    }
  });
});
