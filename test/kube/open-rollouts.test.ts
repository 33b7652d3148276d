import { describe, expect, test } from 'vitest';
import { CONFIG_MAP, objectRef } from '../../src/core/objects.ts';
import { storeName } from '../../src/core/store-name.ts';
import { listOpen } from '../../src/kube/open-rollouts.ts';
import { createStore } from '../../src/kube/store.ts';
import { fakeClock } from '../fakes/clock.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { aPlan, aRollout } from '../fakes/rollout.ts';
import { HTTP_ROUTE, ours } from './store-fixture.ts';

const { signal } = new AbortController();
const LABELS = { 'app.kubernetes.io/managed-by': 'canary-rollout' };

const stateOf = (namespace: string, deployment: string): string => {
  const plan = aPlan();
  return JSON.stringify(aRollout({ plan: { ...plan, target: { ...plan.target, namespace, deployment } } }));
};

const aState = (
  namespace: string,
  name: string,
  state: string | null,
  labels: Readonly<Record<string, string>> = LABELS,
) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, labels },
  ...(state === null ? {} : { data: { state } }),
});

const LONG = 'x'.repeat(250);

describe('open rollouts', () => {
  test('are those of one namespace, or of all, by name', async () => {
    const cluster = fakeCluster({
      objects: [
        aState('shop', 'canary-rollout-web', stateOf('shop', 'web')),
        aState('shop', 'canary-rollout-api', stateOf('shop', 'api')),
        aState('bank', 'canary-rollout-web', stateOf('bank', 'web')),
      ],
    });

    const [api, web] = ['api', 'web'].map((deployment) => ({ namespace: 'shop', deployment }));
    expect(await listOpen(cluster, 'shop', signal)).toEqual({ kind: 'ok', value: [api, web] });
    expect(await listOpen(cluster, null, signal)).toEqual({
      kind: 'ok',
      value: [{ namespace: 'bank', deployment: 'web' }, api, web],
    });
  });

  test('are found as they were saved, by a name that was shortened too', async () => {
    const cluster = fakeCluster();
    const store = createStore({
      cluster,
      namespace: 'shop',
      deployment: LONG,
      clock: fakeClock(),
      randomToken: () => 't',
      routeKinds: [HTTP_ROUTE],
    });
    const plan = aPlan();
    await store.acquire(ours, signal);
    await store.save(aRollout({ plan: { ...plan, target: { ...plan.target, deployment: LONG } } }), signal);

    expect(cluster.get(objectRef(CONFIG_MAP, 'shop', storeName(LONG)))).not.toBeNull();
    expect(await listOpen(cluster, 'shop', signal)).toEqual({
      kind: 'ok',
      value: [{ namespace: 'shop', deployment: LONG }],
    });
  });

  test.each([
    ['that is no JSON', '{'],
    ['that is missing', null],
    ['of a newer version', '{"schemaVersion":99}'],
    ['that names another Deployment', stateOf('shop', 'billing')],
    ['that names no Deployment', '{"plan":{"target":{"deployment":"../x"}}}'],
    ['that is a list', '[]'],
  ])('with a state %s are listed by the name of their ConfigMap', async (_what, state) => {
    const cluster = fakeCluster({ objects: [aState('shop', 'canary-rollout-web', state)] });

    expect(await listOpen(cluster, 'shop', signal)).toEqual({
      kind: 'ok',
      value: [{ namespace: 'shop', deployment: 'web' }],
    });
  });

  test('with an unreadable state and a shortened name lead back to their ConfigMap', async () => {
    const cluster = fakeCluster({ objects: [aState('shop', storeName(LONG), '{')] });

    const open = await listOpen(cluster, 'shop', signal);

    const [one] = open.kind === 'ok' ? open.value : [];
    expect(storeName(one?.deployment ?? '')).toBe(storeName(LONG));
  });

  test('are also locks whose run died before it saved anything', async () => {
    const lease = (name: string) => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: 'shop', labels: { 'app.kubernetes.io/managed-by': 'canary-rollout' } },
      spec: {},
    });
    const objects = [lease('canary-rollout-web'), lease('canary-rollout-api'), lease('leader-of-others')];
    const cluster = fakeCluster({
      objects: [aState('shop', 'canary-rollout-web', stateOf('shop', 'web')), ...objects],
    });

    expect(await listOpen(cluster, 'shop', signal)).toEqual({
      kind: 'ok',
      value: [
        { namespace: 'shop', deployment: 'api', lockOnly: true },
        { namespace: 'shop', deployment: 'web' },
      ],
    });
  });

  test('are no ConfigMaps of others', async () => {
    const cluster = fakeCluster({
      objects: [
        aState('shop', 'canary-rollout-web', stateOf('shop', 'web'), {}),
        aState('shop', 'settings', stateOf('shop', 'web')),
        aState('shop', 'canary-rollout-', '{}'),
        aState('shop', 'canary-rollout--x', '{}'),
      ],
    });

    expect(await listOpen(cluster, 'shop', signal)).toEqual({ kind: 'ok', value: [] });
  });

  test('cannot be told without the right to list', async () => {
    const cluster = fakeCluster();
    cluster.interfere(() => ({ kind: 'forbidden', message: 'no' }));

    expect(await listOpen(cluster, null, signal)).toEqual({ kind: 'forbidden', message: 'no' });
  });
});
