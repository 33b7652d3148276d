import { describe, expect, test } from 'vitest';
import { HORIZONTAL_POD_AUTOSCALER, type KubeObject } from '../../src/core/objects.ts';
import { type Changes, deployment, guard, object, pod, resolveIn, service, targetIn } from './world.ts';

const labels = (track: string) => ({ app: 'checkout', track });
const STABLE = deployment({ labels: labels('primary') });
const PAIR = deployment({ name: 'checkout-b', labels: labels('canary'), replicas: 1 });
const BOTH = service('checkout', { app: 'checkout' });
const PRIMARY = service('checkout', labels('primary'));

const found = (objects: readonly KubeObject[], changes: Changes = {}) =>
  resolveIn(objects, { canaryDeployment: 'checkout-b', ...changes }).findings;
const pods = { unit: 'pods' } as const;

/** The pair with something changed, beside a stable whose Service selects it alone. */
const findingsOf = (options: Parameters<typeof deployment>[0], others: readonly KubeObject[] = []) =>
  found([
    STABLE,
    deployment({ name: 'checkout-b', labels: labels('canary'), replicas: 1, ...options }),
    PRIMARY,
    ...others,
  ]);

describe('a pair', () => {
  test('is adopted as it was found, and told from stable by its own labels', () => {
    const { target, findings } = resolveIn([STABLE, PAIR, PRIMARY], { canaryDeployment: 'checkout-b' });

    expect(findings).toEqual([]);
    expect(target).toMatchObject({
      canaryDeployment: 'checkout-b',
      canaryService: 'checkout-canary',
      relabel: { track: 'canary' },
      pair: {
        replicas: 1,
        images: [{ container: 'app', image: 'app:1' }],
        arms: 'app=checkout,track in (primary,canary)',
      },
    });
  });

  test('needs no Service of ours where one Service selects both and pods are the weight', () => {
    const { target, findings } = resolveIn([STABLE, PAIR, BOTH], { canaryDeployment: 'checkout-b', ...pods });

    expect(findings).toEqual([]);
    expect(target).toMatchObject({ service: 'checkout', canaryService: null, pair: { replicas: 1 } });
  });

  test('of which the user has a Service of the usual name leaves that alone and says that it leads to the new version', () => {
    const own = service('checkout-canary', labels('canary'));
    const { target, findings } = resolveIn([STABLE, PAIR, PRIMARY, own], { canaryDeployment: 'checkout-b' });

    expect(target?.canaryService).toBe('checkout-canary-rollout');
    expect(findings).toMatchObject([{ severity: 'warning', where: 'Service shop/checkout-canary' }]);
  });

  test('that looks like the whole namespace is listed by no label at all', () => {
    const other = deployment({ name: 'checkout-b', labels: { role: 'canary' } });

    expect(targetIn([STABLE, other, PRIMARY], { canaryDeployment: 'checkout-b' }).pair?.arms).toBe('');
  });

  test('with other configuration than stable is a warning that names the places and no value', () => {
    const env = [{ name: 'TOKEN', value: 'secret' }];
    const [warning, ...others] = findingsOf({ podSpec: { containers: [{ name: 'app', image: 'app:0', env }] } });

    expect(others).toEqual([]);
    expect(warning).toMatchObject({ severity: 'warning' });
    expect(warning?.message).toContain('template.spec.containers[app].env');
    expect(warning?.message).not.toContain('secret');
    expect(warning?.message).not.toContain('.image');
  });

  test('is released to by the images of the version before, when nothing else is different', () => {
    const replicaSet = object({ apiVersion: 'apps/v1', kind: 'ReplicaSet', plural: 'replicasets' }, 'checkout-1', {
      metadata: {
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: 'checkout',
            uid: STABLE.metadata.uid ?? '',
            controller: true,
          },
        ],
        annotations: { 'deployment.kubernetes.io/revision': '1' },
      },
      spec: {
        template: {
          metadata: { labels: labels('primary') },
          spec: { containers: [{ name: 'app', image: 'app:0', ports: [{ containerPort: 8080 }] }] },
        },
      },
    });
    const { target } = resolveIn([STABLE, PAIR, PRIMARY, replicaSet], {
      canaryDeployment: 'checkout-b',
      version: { kind: 'previous' },
    });

    expect(target).toMatchObject({ images: [{ container: 'app', image: 'app:0' }], template: null });
  });
});

describe('a pair is refused', () => {
  test('when it does not exist, with the nearest name', () => {
    expect(found([STABLE, PAIR, PRIMARY], { canaryDeployment: 'checkout-c' })).toMatchObject([
      {
        severity: 'error',
        code: 'deployment-not-found',
        advice: expect.stringContaining('Did you mean "checkout-b"?'),
      },
    ]);
  });

  test('when it is stable itself', () => {
    expect(found([STABLE, PRIMARY], { canaryDeployment: 'checkout' })).toMatchObject([
      { severity: 'error', code: 'invalid-config' },
    ]);
  });

  test.each([
    ['paused', { spec: { paused: true } }, 'canary-not-ready', 'kubectl rollout resume'],
    ['in the middle of a rollout', { status: { updatedReplicas: 0 } }, 'canary-not-ready', 'Wait for it'],
    ['being deleted', { metadata: { deletionTimestamp: 'now' } }, 'canary-not-ready', 'Create it again'],
    [
      'owned by a controller',
      { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Canary', name: 'c', uid: 'u', controller: true }] } },
      'owned-by-controller',
      'nothing owns',
    ],
    [
      'a copy that a rollout left',
      { metadata: { labels: { 'app.kubernetes.io/managed-by': 'canary-rollout' } } },
      'object-exists',
      'Leave `canary-deployment` out',
    ],
    [
      "held by another Deployment's rollout",
      { metadata: { labels: { 'canary-rollout.github.io/holder-0000000000': 't' } } },
      'lock-held',
      'Wait until that one has ended',
    ],
    [
      'without the container that is released',
      { podSpec: { containers: [{ name: 'apps', image: 'app:1', ports: [{ containerPort: 8080 }] }] } },
      'invalid-config',
      'Rename its container "apps"',
    ],
  ])('when it is %s', (_what, options, code, advice) => {
    const errors = findingsOf(options).filter(({ severity }) => severity === 'error');

    expect(errors).toMatchObject([{ code, advice: expect.stringContaining(advice) }]);
  });

  test('but for marks that its own rollout left on it', () => {
    expect(findingsOf({ metadata: { labels: { [guard.holder.key]: 'old' } } })).toEqual([]);
  });

  test('when its pods are not ready it is a warning: it is given back as it was', () => {
    expect(findingsOf({ status: { readyReplicas: 0, availableReplicas: 0 } })).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('0 of 1 pods ready') },
    ]);
  });

  test('when an autoscaler scales it', () => {
    const hpa = object(HORIZONTAL_POD_AUTOSCALER, 'b', {
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout-b' }, maxReplicas: 3 },
    });

    expect(findingsOf({}, [hpa])).toMatchObject([{ severity: 'error', code: 'autoscaler' }]);
  });

  test('when its selector and that of stable would fight over pods', () => {
    const greedy = deployment({
      name: 'checkout-b',
      labels: labels('canary'),
      selector: { matchLabels: { app: 'checkout' } },
    });
    const stable = deployment({ labels: labels('primary'), selector: { matchLabels: { app: 'checkout' } } });

    expect(found([STABLE, greedy, PRIMARY])).toMatchObject([{ code: 'unsafe-labels' }]);
    expect(found([stable, PAIR, PRIMARY])).toMatchObject([{ code: 'unsafe-labels' }]);
  });

  test('when requests are split and a Service sends some to both, even while the pair has no pods', () => {
    const idle = deployment({ name: 'checkout-b', labels: labels('canary'), replicas: 0 });

    expect(found([STABLE, idle, BOTH])).toMatchObject([
      {
        severity: 'error',
        code: 'ambiguous-service',
        where: 'Service shop/checkout',
        advice: expect.stringContaining('route: replicas'),
      },
    ]);
  });

  test('when a Service beside that of the route selects both, unless it is allowed', () => {
    const beside = service('everything', { app: 'checkout' });

    expect(found([STABLE, PAIR, PRIMARY, beside], { service: 'checkout' })).toMatchObject([
      { code: 'ambiguous-service', where: 'Service shop/everything', allow: 'Service/everything' },
    ]);
    expect(found([STABLE, PAIR, BOTH])[0]).not.toHaveProperty('allow');
  });

  test('when pods are the weight and the Service does not select its pods', () => {
    expect(found([STABLE, PAIR, PRIMARY], pods)).toMatchObject([
      { severity: 'error', code: 'ambiguous-service', where: 'Service shop/checkout' },
    ]);
  });

  test('when pods are the weight and it serves the new version already', () => {
    const early = deployment({
      name: 'checkout-b',
      labels: labels('canary'),
      podSpec: { containers: [{ name: 'app', image: 'app:2', ports: [{ containerPort: 8080 }] }] },
    });

    expect(found([STABLE, early, BOTH], pods)).toMatchObject([
      { severity: 'error', code: 'canary-not-ready', advice: expect.stringContaining('--replicas=0') },
    ]);
  });

  test("when the canary Service would lead to a pod that is not the pair's", () => {
    const stranger = pod(null, 'x', { name: 'debug', labels: labels('canary') });

    expect(findingsOf({}, [stranger])).toMatchObject([
      { severity: 'error', code: 'unsafe-labels', message: expect.stringContaining('pod debug') },
    ]);
  });
});
