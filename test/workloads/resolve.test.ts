import { describe, expect, test } from 'vitest';
import { DEPLOYMENT, type KubeObject, refKey } from '../../src/core/objects.ts';
import { mergeSeen } from '../../src/drive/read.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import {
  type Changes,
  deployment,
  guard,
  object,
  pod,
  replicaSet,
  request,
  resolveIn,
  see,
  service,
  targetIn,
} from './world.ts';

const SERVICE = service('checkout', { app: 'checkout' });
const HEALTHY = [deployment(), SERVICE];

const found = (objects: readonly KubeObject[], changes: Changes = {}) => resolveIn(objects, changes).findings;
const codes = (objects: readonly KubeObject[], changes: Changes = {}) =>
  found(objects, changes).map(({ code }) => code);

describe('a healthy Deployment with one Service', () => {
  test('gives a target without findings', () => {
    const { target, findings } = resolveIn(HEALTHY);

    expect(findings).toEqual([]);
    expect(target).toEqual({
      rolloutId: 'r1',
      namespace: 'shop',
      deployment: 'checkout',
      canaryDeployment: 'checkout-canary',
      service: 'checkout',
      canaryService: 'checkout-canary',
      relabel: { app: 'checkout-canary' },
      images: [{ container: 'app', image: 'app:2' }],
      template: null,
      companions: [],
      autoscaler: null,
      pair: null,
      annotations: { 'example.com/run': 'https://example.invalid/1' },
    });
  });

  test('shares the Service where pods are the unit', () => {
    const both = { app: 'checkout', component: 'server' };

    const target = targetIn([deployment({ labels: both }), SERVICE], { unit: 'pods' });

    expect(target).toMatchObject({ service: 'checkout', canaryService: null, relabel: { component: 'server-canary' } });
  });

  test('is refused with pods as the unit when the Service selects by all that the Deployment does', () => {
    const [finding, ...others] = found(HEALTHY, { unit: 'pods' });

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ code: 'unsafe-labels', where: 'Deployment shop/checkout' });
    expect(finding?.message).toContain(
      "No labels let the canary's pods match Service checkout but not Deployment checkout",
    );
    expect(finding?.advice).toContain('by a route instead of replicas');
  });
});

describe('the state of stable', () => {
  const states: readonly (readonly [string, KubeObject, RegExp])[] = [
    ['paused', deployment({ spec: { paused: true } }), /is paused/],
    ['scaled to zero', deployment({ replicas: 0 }), /has 0 replicas/],
    [
      'in the middle of a rollout',
      deployment({ status: { replicas: 4, updatedReplicas: 2 } }),
      /in the middle of a rollout: 2 of 3 pods updated, 3 ready, 3 available, 4 in all/,
    ],
    ['not seen by its controller yet', deployment({ status: { observedGeneration: 3 } }), /in the middle of a rollout/],
    ['short of ready pods', deployment({ status: { readyReplicas: 1, availableReplicas: 1 } }), /1 of 3 pods ready/],
    ['being deleted', deployment({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }), /being deleted/],
  ];
  test.each(states)('refuses a Deployment that is %s', (_, stable, message) => {
    const [finding, ...others] = found([stable, SERVICE]);

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code: 'stable-not-healthy' });
    expect(finding?.message).toMatch(message);
  });

  test('is explained by its worst pod', () => {
    const stable = deployment({ status: { readyReplicas: 2, availableReplicas: 2 } });
    const set = replicaSet(stable, 'abc');
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off' };
    const broken = pod(set, 'aaaaa', {
      status: { conditions: [], containerStatuses: [{ name: 'app', restartCount: 2, state: { waiting } }] },
    });

    const [finding] = found([stable, SERVICE, set, broken]);

    expect(finding?.message).toContain(
      '(pod checkout-abc-aaaaa: container app: CrashLoopBackOff: back-off; 2 restarts)',
    );
  });

  test('is a missing Deployment, with the nearest name', () => {
    const { target, findings } = resolveIn(HEALTHY, { deployment: 'chekout' });

    expect(target).toBeNull();
    expect(findings).toMatchObject([{ code: 'deployment-not-found', where: 'Deployment shop/chekout' }]);
    expect(findings[0]?.advice).toContain('Did you mean "checkout"?');
  });

  test('all mistakes are found at once', () => {
    const stable = deployment({ spec: { paused: true } });

    expect(codes([stable], { images: [{ container: 'nope', image: 'x' }] })).toEqual([
      'stable-not-healthy',
      'invalid-config',
      'service-not-found',
    ]);
  });
});

describe('something else of the same name', () => {
  const kind = (apiVersion: string, name: string) => ({ apiVersion, kind: name, plural: `${name.toLowerCase()}s` });
  const named = (found: readonly KubeObject[]) => {
    const asked = request();
    const seen = see(deploymentWorkload.surveys(asked), []);
    const objects = deploymentWorkload
      .namesakes(asked)
      .map(
        (ref) =>
          [
            refKey(ref),
            found.find(({ apiVersion, kind: is }) => apiVersion === ref.apiVersion && is === ref.kind) ?? null,
          ] as const,
      );
    return deploymentWorkload.resolve(mergeSeen(seen, { objects: new Map(objects), lists: new Map() }), asked).findings;
  };

  test.each([
    ['apps/v1', 'StatefulSet', 'checkout is a StatefulSet; only Deployments can be rolled out, because its pods have'],
    ['apps/v1', 'DaemonSet', 'checkout is a DaemonSet; only Deployments can be rolled out, because it runs one pod'],
    ['argoproj.io/v1alpha1', 'Rollout', 'checkout is a Rollout; only Deployments can be rolled out, because Argo'],
    ['serving.knative.dev/v1', 'Service', 'checkout is a Knative Service; only Deployments can be rolled out'],
  ])('%s %s is said to be what it is', (apiVersion, name, words) => {
    const [finding, ...others] = named([object(kind(apiVersion, name), 'checkout')]);

    expect(others).toEqual([]);
    expect(finding?.code).toBe('deployment-not-found');
    expect(finding?.message).toContain(words);
  });

  test('is not found where there is none', () => {
    expect(named([])[0]?.message).toBe('Deployment shop/checkout does not exist.');
  });
});

describe('others that change stable', () => {
  test.each([
    ['Rollout', 'argoproj.io/v1alpha1', undefined],
    ['Canary', 'flagger.app/v1beta1', undefined],
    ['Revision', 'serving.knative.dev/v1', true],
    ['ClusterServiceVersion', 'operators.coreos.com/v1alpha1', true],
  ])('are an owner of kind %s', (kind, apiVersion, controller) => {
    const owner = { apiVersion, kind, name: 'owner', uid: 'o', ...(controller === undefined ? {} : { controller }) };
    const stable = deployment({ metadata: { ownerReferences: [owner] } });

    const [finding, ...others] = found([stable, SERVICE]);

    expect(others).toEqual([]);
    expect(finding?.code).toBe('owned-by-controller');
    expect(finding?.message).toContain(`owned by ${kind} owner (${apiVersion})`);
  });
});

describe('images', () => {
  const two = deployment({
    podSpec: {
      containers: [
        { name: 'app', image: 'app:1' },
        { name: 'proxy', image: 'proxy:1' },
      ],
      initContainers: [{ name: 'migrate', image: 'app:1' }],
    },
  });

  test('are given to named containers, init containers too', () => {
    const images = [
      { container: 'migrate', image: 'app:2' },
      { container: 'app', image: 'app:2' },
    ];

    expect(targetIn([two, SERVICE], { images }).images).toEqual(images);
  });

  test('have to name their container when there are several', () => {
    const [finding] = found([two, SERVICE]);

    expect(finding).toMatchObject({ code: 'invalid-config', where: 'image', advice: 'app=app:2 or proxy=app:2' });
    expect(finding?.message).toContain('has 2 containers (app, proxy, migrate (init))');
  });

  test('for an unknown container list the known ones and the nearest', () => {
    const [finding] = found([two, SERVICE], { images: [{ container: 'prox', image: 'p:2' }] });

    expect(finding?.message).toContain('no container "prox". Its containers: app, proxy, migrate (init)');
    expect(finding?.advice).toBe('Did you mean "proxy=p:2"?');
  });

  test('are not given twice to one container', () => {
    const images = [
      { container: 'app', image: 'app:2' },
      { container: 'app', image: 'app:3' },
    ];

    expect(found([two, SERVICE], { images })[0]?.message).toBe('Container "app" is given two images.');
  });
});

describe('what exists already', () => {
  const leftOver = (rolloutId: string): KubeObject => {
    const target = targetIn(HEALTHY, { rolloutId });
    const labels = {
      'app.kubernetes.io/managed-by': 'canary-rollout',
      [guard.wayBack.key]: rolloutId,
    };
    return deployment({ name: target.canaryDeployment, metadata: { labels } });
  };

  test('is refused when it has a name that the canary needs', () => {
    const objects = [
      ...HEALTHY,
      deployment({ name: 'checkout-canary', labels: { app: 'mine' } }),
      service('checkout-canary', { app: 'mine' }),
    ];

    expect(found(objects)).toMatchObject([
      { code: 'object-exists', where: 'Deployment shop/checkout-canary' },
      { code: 'object-exists', where: 'Service shop/checkout-canary' },
    ]);
  });

  test('is named as a leftover when another rollout of ours made it', () => {
    const [finding, ...others] = found([...HEALTHY, leftOver('r0')]);

    expect(others).toEqual([]);
    expect(finding?.message).toBe('Deployment shop/checkout-canary was left by another rollout.');
    expect(finding?.advice).toContain('kubectl -n shop delete deployment checkout-canary');
  });

  test('is used when this rollout made it, with its pods', () => {
    const canary = leftOver('r1');
    const set = replicaSet(canary, 'abc');

    expect(found([...HEALTHY, canary, set, pod(set, 'aaaaa')])).toEqual([]);
  });

  test('is refused when the canary’s selector would take it', () => {
    const stray = pod(null, '1', { labels: { app: 'checkout-canary' } });

    const [finding] = found([...HEALTHY, stray]);

    expect(finding?.code).toBe('unsafe-labels');
    expect(finding?.message).toContain('would also select pod stray-1');
  });
});

describe('an unchanged image', () => {
  const isUnchanged = (stable: KubeObject, image: string): boolean => {
    const asked = request({ images: [{ container: null, image }] });
    return deploymentWorkload.isUnchanged(see(deploymentWorkload.surveys(asked), [stable, SERVICE]), asked);
  };

  test('is one that all of stable runs and is ready with', () => {
    expect(isUnchanged(deployment(), 'app:1')).toBe(true);
  });

  test('is neither another one nor one that is not ready everywhere', () => {
    expect(isUnchanged(deployment(), 'app:2')).toBe(false);
    expect(isUnchanged(deployment({ status: { readyReplicas: 2 } }), 'app:1')).toBe(false);
    expect(isUnchanged(deployment({ replicas: 0 }), 'app:1')).toBe(false);
    expect(isUnchanged(object(DEPLOYMENT, 'cart'), 'app:1')).toBe(false);
  });
});
