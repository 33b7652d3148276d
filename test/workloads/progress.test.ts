import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import type { WorkloadStage } from '../../src/core/rollout.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { created, deployment, pod, replicaSet, seeFor, service, slice, targetIn } from './world.ts';

const STABLE = deployment();
const SERVICE = service('checkout', { app: 'checkout' });
const TARGET = targetIn([STABLE, SERVICE]);
const EXCEEDED = {
  type: 'Progressing',
  status: 'False',
  reason: 'ProgressDeadlineExceeded',
  message: 'ReplicaSet "x" has timed out progressing.',
};
const counts = (count: number) => ({
  replicas: count,
  updatedReplicas: count,
  readyReplicas: count,
  availableReplicas: count,
});
const canary = (status: Record<string, unknown>, replicas = 3): KubeObject => {
  const made = created(seeFor(TARGET, [STABLE, SERVICE]), TARGET, 'canary', replicas);
  return { ...made, metadata: { ...made.metadata, generation: 2 }, status: { observedGeneration: 2, ...status } };
};
const endpoints = (of: string, count: number) =>
  slice(
    of,
    [...Array(count).keys()].map((index) => ({ pod: `p${index}` })),
  );

const CANARY_SERVICE = service('checkout-canary', { app: 'checkout-canary' });

/** Where pods are waited for, both Services are there. */
const progress = (objects: readonly KubeObject[], stage: WorkloadStage) => {
  const services = stage.kind === 'canary' || stage.kind === 'update-stable' ? [SERVICE, CANARY_SERVICE] : [];
  return deploymentWorkload.progress(seeFor(TARGET, [...objects, ...services]), TARGET, stage);
};

const DONE = { kind: 'done' };
const waiting = (waitingFor: string) => ({ kind: 'pending', waitingFor });

describe('the canary', () => {
  const stage = { kind: 'canary', replicas: 3 } as const;

  test('is there when its pods are ready and in the EndpointSlices', () => {
    expect(progress([canary(counts(3)), endpoints('checkout-canary', 3)], stage)).toEqual(DONE);
  });

  test('is waited for with counts and the worst pod’s reason', () => {
    const object = canary({ ...counts(3), readyReplicas: 1 });
    const set = replicaSet(object, 'abc');
    const broken = pod(set, 'aaaaa', {
      status: {
        conditions: [],
        containerStatuses: [
          { name: 'app', state: { waiting: { reason: 'ImagePullBackOff', message: 'no such tag' } } },
        ],
      },
    });

    expect(progress([object, set, broken], stage)).toEqual(
      waiting('1 of 3 pods ready: pod checkout-canary-abc-aaaaa: container app: ImagePullBackOff: no such tag'),
    );
  });

  test.each([
    ['its creation', [], 'Deployment shop/checkout-canary to be created'],
    [
      'scaling',
      [canary(counts(3), 2), endpoints('checkout-canary', 3)],
      'Deployment shop/checkout-canary to be scaled to 3',
    ],
    ['minReadySeconds', [canary({ ...counts(3), availableReplicas: 2 })], '2 of 3 pods ready for minReadySeconds'],
    [
      'EndpointSlices',
      [canary(counts(3)), endpoints('checkout-canary', 2)],
      '2 of 3 pods in the endpoints of Service checkout-canary',
    ],
    [
      'its controller',
      [canary({ ...counts(3), observedGeneration: 1 }), endpoints('checkout-canary', 3)],
      'the Deployment controller to see checkout-canary',
    ],
  ] as const)('is waited for during %s', (_, objects, text) => {
    expect(progress(objects, stage)).toEqual(waiting(text));
  });

  test('has failed when its progress deadline is over', () => {
    expect(progress([canary({ ...counts(3), readyReplicas: 1, conditions: [EXCEEDED] })], stage)).toEqual({
      kind: 'failed',
      code: 'canary-not-ready',
      reason: `The canary has 1 of 3 pods ready after progressDeadlineSeconds: ${EXCEEDED.message}`,
    });
  });

  test('has not failed by a condition about an older generation', () => {
    const object = canary({ ...counts(0), observedGeneration: 1, conditions: [EXCEEDED] });

    expect(progress([object], stage)).toMatchObject({ kind: 'pending' });
  });
});

describe('updating stable', () => {
  const stage = { kind: 'update-stable' } as const;
  const updated = (status: Record<string, unknown> = {}, spec: Record<string, unknown> = {}) =>
    deployment({ status, spec, podSpec: { containers: [{ name: 'app', image: 'app:2' }] } });
  const up = endpoints('checkout', 3);

  test('is done when every pod is of the new template, ready, and in the EndpointSlices', () => {
    expect(progress([updated(), up], stage)).toEqual(DONE);
  });

  test.each([
    ['the image', [STABLE, up], 'the new image in Deployment shop/checkout'],
    ['the controller', [updated({ observedGeneration: 3 }), up], 'the Deployment controller to see checkout'],
    ['updated pods', [updated({ updatedReplicas: 1, replicas: 4 }), up], '1 of 3 pods updated'],
    ['old pods', [updated({ replicas: 4, readyReplicas: 4 }), up], '1 pods of the old version to go'],
    ['ready pods', [updated({ readyReplicas: 2 }), up], '2 of 3 pods ready'],
    ['endpoints', [updated(), endpoints('checkout', 2)], '2 of 3 pods in the endpoints of Service checkout'],
    [
      'a person',
      [updated({ updatedReplicas: 1 }, { paused: true }), up],
      'Deployment shop/checkout to be resumed: it is paused',
    ],
  ] as const)('waits for %s', (_, objects, text) => {
    const seen = progress(objects, stage);

    expect(seen.kind).toBe('pending');
    expect(seen.kind === 'pending' ? seen.waitingFor.startsWith(text) : seen).toBe(true);
  });

  test('has failed when the progress deadline is over, or stable is gone', () => {
    const stuck = updated({ updatedReplicas: 1, replicas: 4, conditions: [EXCEEDED] });

    expect(progress([stuck, up], stage)).toMatchObject({ kind: 'failed', code: 'promote-failed' });
    expect(progress([], stage)).toMatchObject({ kind: 'failed', code: 'promote-failed' });
  });
});

describe('creating the Service and removing both', () => {
  const copy = created(seeFor(TARGET, [STABLE, SERVICE]), TARGET, 'canary-service');

  test('are done when it is so', () => {
    expect(progress([copy], { kind: 'canary-service' })).toEqual(DONE);
    expect(progress([STABLE], { kind: 'remove-canary' })).toEqual(DONE);
    expect(progress([STABLE], { kind: 'remove-service' })).toEqual(DONE);
  });

  test('are waited for until then', () => {
    expect(progress([], { kind: 'canary-service' })).toEqual(waiting('Service shop/checkout-canary to be created'));
    expect(progress([copy], { kind: 'remove-service' })).toEqual(waiting('Service shop/checkout-canary to be removed'));
    expect(progress([canary(counts(2))], { kind: 'remove-canary' })).toEqual(
      waiting('Deployment shop/checkout-canary to be removed (2 pods left)'),
    );
  });

  test('are not taken for done when nobody looked', () => {
    const nothing = { objects: new Map(), lists: new Map() };

    for (const kind of ['canary-service', 'remove-canary', 'remove-service'] as const) {
      expect(deploymentWorkload.progress(nothing, TARGET, { kind })).toMatchObject({ kind: 'pending' });
    }
  });
});
