import { describe, expect, test } from 'vitest';
import { type KubeObject, listRef, objectIn, objectRef, POD, refKey } from '../../src/core/objects.ts';
import type { Finding } from '../../src/core/reason.ts';
import { preflight } from '../../src/drive/preflight.ts';
import type { Hazard } from '../../src/ports/hazard.ts';
import type { Workload } from '../../src/ports/workload.ts';
import { aPlan as corePlan } from '../core/plan.ts';
import { type FakeCluster, fakeCluster, type Interference } from '../fakes/cluster.ts';
import { anObservation } from '../fakes/rollout.ts';
import { aSpec } from '../fakes/spec.ts';
import { aRoute, aService, router, signal, workload } from './adapters.ts';

const STATEFUL_SET = { apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets' };
const NODES = listRef({ apiVersion: 'v1', kind: 'Node', plural: 'nodes' }, '');
const SAMPLE = objectRef(POD, 'shop', 'checkout-canary-sample');
const BODY = { apiVersion: 'v1', kind: 'Pod', metadata: { name: SAMPLE.name, namespace: 'shop' }, spec: {} };

const told = (message: string, severity: Finding['severity'] = 'warning'): Finding => ({
  severity,
  code: 'deployment-not-found',
  where: 'here',
  message,
  advice: null,
});

const checked = (cluster: FakeCluster, change: Partial<Workload>, hazards: readonly Hazard[] = []) =>
  preflight({
    spec: aSpec(),
    namespace: 'shop',
    rolloutId: 'r1',
    run: corePlan().run,
    cluster,
    routers: [router],
    workload: {
      ...workload,
      resolve: () => ({ target: corePlan().target, findings: [] }),
      observe: () => ({ stable: anObservation().stable, canary: null }),
      samplePod: () => ({ verb: 'create', ref: SAMPLE, contentType: 'application/json', body: BODY }),
      ...change,
    },
    hazards,
    watchdog: null,
    source: null,
    presets: [],
    sourcePermissions: [],
    sourceNotices: [],
    now: 0,
    signal: signal(),
  });

const messages = (result: Awaited<ReturnType<typeof preflight>>): readonly string[] =>
  'findings' in result ? result.findings.map(({ message }) => message) : [];

const shop = (objects: readonly KubeObject[] = [], interference: Interference | null = null): FakeCluster => {
  const cluster = fakeCluster({ objects: [aRoute(0, {}), aService('checkout', 'checkout'), ...objects] });
  cluster.interfere(interference);
  return cluster;
};

describe('a Deployment that does not exist', () => {
  const other = objectRef(STATEFUL_SET, 'shop', 'checkout');
  const missing: Partial<Workload> = {
    namesakes: () => [other],
    resolve: (seen) => ({
      target: null,
      findings: [told(objectIn(seen, other) === null ? 'nothing of the name' : 'a StatefulSet', 'error')],
    }),
  };
  const stateful: KubeObject = { ...STATEFUL_SET, metadata: { name: 'checkout', namespace: 'shop', uid: 'u' } };

  test('may be something else of the name', async () => {
    expect(messages(await checked(shop([stateful]), missing))).toContain('a StatefulSet');
    expect(messages(await checked(shop(), missing))).toContain('nothing of the name');
  });

  test('is told as missing where other kinds may not be read', async () => {
    const forbidden: Interference = (verb, ref) =>
      verb === 'read' && ref.kind === 'StatefulSet' ? { kind: 'forbidden', message: 'no' } : undefined;

    expect(messages(await checked(shop([stateful], forbidden), missing))).toContain('nothing of the name');
  });
});

describe('hazards', () => {
  const looking: Hazard = {
    name: 'looking',
    rows: [],
    reads: () => [],
    optional: () => [NODES],
    permissions: [],
    find: (_situation, seen) => [
      told(objectIn(seen, SAMPLE) === null ? 'no pod' : 'a pod as it was admitted'),
      told(seen.lists.has(refKey(NODES)) ? 'nodes' : 'no nodes'),
    ],
  };

  test('see the pod that the API server would create', async () => {
    const refusing: Interference = (verb, ref) =>
      verb === 'create' && ref.kind === 'Pod' ? { kind: 'forbidden', message: 'no' } : undefined;

    expect(messages(await checked(shop(), {}, [looking]))).toContain('a pod as it was admitted');
    expect(messages(await checked(shop([], refusing), {}, [looking]))).toContain('no pod');
  });

  test('tell themselves what they miss of the lists that few may read', async () => {
    const forbidden: Interference = (verb) => (verb === 'list' ? { kind: 'forbidden', message: 'no' } : undefined);
    const without = messages(await checked(shop([], forbidden), {}, [looking]));

    expect(messages(await checked(shop(), {}, [looking]))).toContain('nodes');
    expect(without).toContain('no nodes');
    expect(without.filter((message) => message.startsWith('not checked'))).toEqual([]);
  });
});
