import { describe, expect, test } from 'vitest';
import { COPIED } from '../../src/core/copied-kinds.ts';
import { guardOf } from '../../src/core/marks.ts';
import { type KubeObject, objectRef, type Request } from '../../src/core/objects.ts';
import type { Companion, Target } from '../../src/core/plan.ts';
import type { WorkloadStage } from '../../src/core/rollout.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { deployment, guard, NAMESPACE, see, service, targetIn } from './world.ts';

const WORLD = [deployment(), service('checkout', { app: 'checkout' })];
const BODY = { metadata: { labels: { team: 'a' }, annotations: { why: 'audit' } }, spec: { podSelector: {} } };
const companion = (name: string, namespace = NAMESPACE): Companion => ({
  ref: objectRef(COPIED.NetworkPolicy, namespace, name),
  body: BODY,
});
const TARGET: Target = { ...targetIn(WORLD), companions: [companion('one-canary'), companion('two-canary')] };
const CREATE: WorkloadStage = { kind: 'companions' };
const REMOVE: WorkloadStage = { kind: 'remove-companions' };

/** Copies are read by the writes that are about them. */
const seeing = (target: Target, objects: readonly KubeObject[]) =>
  see([...deploymentWorkload.reads(target, true), ...target.companions.map(({ ref }) => ref)], [...WORLD, ...objects]);

const plan = (stage: WorkloadStage, objects: readonly KubeObject[], target = TARGET, by = guard) =>
  deploymentWorkload.plan(seeing(target, objects), target, stage, by);
const progress = (stage: WorkloadStage, objects: readonly KubeObject[]) =>
  deploymentWorkload.progress(seeing(TARGET, objects), TARGET, stage);

const requests = (planned: ReturnType<typeof plan>): readonly Request[] => {
  if (!planned.ok) throw new Error(planned.problem);
  return planned.value;
};
const asMade = ({ ref, body }: Request, changes: Record<string, unknown> = {}): KubeObject => {
  const made = JSON.parse(JSON.stringify(body)) as KubeObject;
  return { ...made, metadata: { ...made.metadata, uid: `uid-${ref.name}`, resourceVersion: '9', ...changes } };
};
const MADE = requests(plan(CREATE, [])).map((request) => asMade(request));

describe('copies for the canary', () => {
  test('are created with both marks, our label and where they come from', () => {
    expect(requests(plan(CREATE, []))[0]).toEqual({
      verb: 'create',
      ref: TARGET.companions[0]?.ref,
      contentType: 'application/json',
      body: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: {
          name: 'one-canary',
          namespace: NAMESPACE,
          labels: { team: 'a', 'app.kubernetes.io/managed-by': 'canary-rollout' },
          annotations: {
            why: 'audit',
            'example.com/run': 'https://example.invalid/1',
            [guard.holder.key]: guard.holder.value,
            [guard.wayBack.key]: guard.wayBack.value,
          },
        },
        spec: { podSelector: {} },
      },
    });
  });

  test('are created once each, and then nothing more', () => {
    expect(requests(plan(CREATE, MADE.slice(0, 1))).map(({ ref }) => ref.name)).toEqual(['two-canary']);
    expect(requests(plan(CREATE, MADE))).toEqual([]);
    expect(progress(CREATE, MADE.slice(0, 1))).toEqual({
      kind: 'pending',
      waitingFor: 'NetworkPolicy shop/two-canary to be created',
    });
    expect(progress(CREATE, MADE)).toEqual({ kind: 'done' });
  });

  test('never take ownership, finalizers or a status from a body that others wrote into the state', () => {
    const metadata = { name: 'other', namespace: 'kube-system', ownerReferences: [{ uid: 'x' }], finalizers: ['a/b'] };
    const body = { ...BODY, kind: 'Secret', metadata, status: { ready: true } };
    const hostile = { ...TARGET, companions: [{ ...companion('one-canary'), body }] };
    const [made] = requests(plan(CREATE, [], hostile)).map((request) => asMade(request));

    expect(made).toMatchObject({ kind: 'NetworkPolicy', metadata: { name: 'one-canary', namespace: NAMESPACE } });
    expect(Object.keys(made ?? {}).sort()).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
    expect(Object.keys(made?.metadata ?? {})).not.toEqual(expect.arrayContaining(['ownerReferences', 'finalizers']));
  });

  test('stay in the namespace of the rollout', () => {
    const elsewhere = { ...TARGET, companions: [companion('one-canary', 'kube-system')] };

    expect(plan(CREATE, [], elsewhere)).toEqual({
      ok: false,
      problem: 'NetworkPolicy kube-system/one-canary is not in the namespace of the rollout.',
    });
  });

  test('never replace an object of somebody else, or of another run', () => {
    const other = guardOf(NAMESPACE, 'checkout', 'token-2', 'r1');
    const foreign = MADE.map((one) => ({ ...one, metadata: { ...one.metadata, labels: {} } }));
    const leaving = MADE.map((one) => ({ ...one, metadata: { ...one.metadata, deletionTimestamp: 'now' } }));

    expect(plan(CREATE, foreign)).toMatchObject({ problem: expect.stringContaining('left alone') });
    expect(plan(CREATE, MADE, TARGET, other)).toMatchObject({ problem: expect.stringContaining('left alone') });
    expect(plan(CREATE, leaving)).toMatchObject({ problem: expect.stringContaining('still being deleted') });
  });

  test('are removed as they were read, and nothing of others is', () => {
    const [one, two] = MADE;
    if (one === undefined || two === undefined) throw new Error('two copies');
    const foreign = { ...one, metadata: { ...one.metadata, labels: {} } };

    expect(requests(plan(REMOVE, MADE))).toMatchObject([
      { verb: 'delete', body: { preconditions: { uid: 'uid-one-canary', resourceVersion: '9' } } },
      { verb: 'delete', body: { preconditions: { uid: 'uid-two-canary', resourceVersion: '9' } } },
    ]);
    expect(requests(plan(REMOVE, [foreign, two])).map(({ ref }) => ref.name)).toEqual(['two-canary']);
    expect(plan(REMOVE, [foreign])).toMatchObject({ problem: expect.stringContaining('left alone') });
    expect(requests(plan(REMOVE, []))).toEqual([]);
    expect([progress(REMOVE, [two]), progress(REMOVE, [])]).toEqual([
      { kind: 'pending', waitingFor: 'NetworkPolicy shop/two-canary to be removed' },
      { kind: 'done' },
    ]);
  });
});
