import jsonpatch from 'fast-json-patch';
import { describe, expect, test } from 'vitest';
import { guardOf } from '../../src/core/marks.ts';
import { type KubeObject, POD } from '../../src/core/objects.ts';
import type { WorkloadStage } from '../../src/core/rollout.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import { replicas as byReplicas } from '../../src/routers/replicas.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import {
  type DeploymentOptions,
  deployment,
  guard,
  pod,
  replicaSet,
  seeFor,
  service,
  slice,
  targetIn,
} from './world.ts';

const labels = (track: string) => ({ app: 'checkout', track });
const CLAIMED = { labels: { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value } };
const STABLE = deployment({ labels: labels('primary'), metadata: CLAIMED });
const pairWith = (image: string, options: DeploymentOptions = {}): KubeObject =>
  deployment({
    name: 'checkout-b',
    labels: labels('canary'),
    replicas: 2,
    metadata: CLAIMED,
    podSpec: { containers: [{ name: 'app', image, ports: [{ containerPort: 8080 }] }] },
    ...options,
  });
const OLD = pairWith('app:1');
const NEW = pairWith('app:2');
const SERVICE_OF_BOTH = service('checkout', { app: 'checkout' });
const PRIMARY = service('checkout', labels('primary'));
const CANARY_SERVICE = service('checkout-canary', labels('canary'));
const ENDPOINTS = slice('checkout-canary', [{ pod: 'a' }, { pod: 'b' }]);
const BY_PODS = targetIn([STABLE, OLD, SERVICE_OF_BOTH], { canaryDeployment: 'checkout-b', unit: 'pods' });
const BY_ROUTE = targetIn([STABLE, OLD, PRIMARY], { canaryDeployment: 'checkout-b' });

const plan = (pair: KubeObject, stage: WorkloadStage, target = BY_PODS, by = guard) =>
  deploymentWorkload.plan(seeFor(target, [STABLE, pair, PRIMARY]), target, stage, by);
const progress = (pair: KubeObject, stage: WorkloadStage, target = BY_PODS) =>
  deploymentWorkload.progress(seeFor(target, [STABLE, pair, PRIMARY, CANARY_SERVICE, ENDPOINTS]), target, stage);

/** The pair after the one patch that was planned; throws when a test in it fails. */
const patched = (pair: KubeObject, planned: ReturnType<typeof plan>): KubeObject => {
  if (!planned.ok || planned.value.length !== 1) throw new Error(`expected one patch: ${JSON.stringify(planned)}`);
  const operations = JSON.parse(JSON.stringify(planned.value[0]?.body)) as jsonpatch.Operation[];
  return jsonpatch.applyPatch(structuredClone(pair), operations, true).newDocument;
};

const specOf = (pair: KubeObject) => {
  const { replicas, template } = pair['spec'] as {
    replicas: number;
    template: { spec: { containers: { image: string }[] } };
  };
  return { replicas, image: template.spec.containers[0]?.image };
};

describe('adopting the pair', () => {
  test('where pods are the weight takes its pods away and sets the image, in one patch', () => {
    const adopted = patched(OLD, plan(OLD, { kind: 'canary', replicas: 0 }));

    expect(specOf(adopted)).toEqual({ replicas: 0, image: 'app:2' });
    expect(plan(adopted, { kind: 'canary', replicas: 0 })).toEqual({ ok: true, value: [] });
  });

  test('where requests are split only ever grows it', () => {
    expect(specOf(patched(OLD, plan(OLD, { kind: 'canary', replicas: 1 }, BY_ROUTE)))).toEqual({
      replicas: 2,
      image: 'app:2',
    });
    expect(specOf(patched(NEW, plan(NEW, { kind: 'canary', replicas: 5 }, BY_ROUTE)))).toEqual({
      replicas: 5,
      image: 'app:2',
    });
    expect(plan(NEW, { kind: 'canary', replicas: 1 }, BY_ROUTE)).toEqual({ ok: true, value: [] });
  });

  test('changes nothing else: what is not the image or the count is as it was', () => {
    const before = OLD['spec'] as Record<string, unknown>;
    const after = patched(OLD, plan(OLD, { kind: 'canary', replicas: 3 }, BY_ROUTE));

    expect(patched(after, plan(after, { kind: 'give-back', images: 'found' }, BY_ROUTE))['spec']).toEqual(before);
  });

  test('is refused by the API server without the mark of this run', () => {
    const other = guardOf('shop', 'checkout', 'token-2', 'r1');

    expect(() => patched(OLD, plan(OLD, { kind: 'canary', replicas: 1 }, BY_ROUTE, other))).toThrow();
  });

  test('is no reason to overwrite an image that somebody else has set', () => {
    expect(plan(pairWith('app:9'), { kind: 'canary', replicas: 1 }, BY_ROUTE)).toEqual({
      ok: false,
      problem: 'Somebody changed the image of the container "app" of Deployment shop/checkout-b.',
    });
  });

  test('gets a Service of ours that selects its pods alone', () => {
    const planned = plan(OLD, { kind: 'canary-service' }, BY_ROUTE);

    expect(planned.ok && planned.value[0]?.body).toMatchObject({ spec: { selector: labels('canary') } });
  });

  test('marks it at the claim, as an object that exists', () => {
    expect(deploymentWorkload.marked(BY_ROUTE).map(({ name }) => name)).toEqual(['checkout', 'checkout-b']);
  });

  test("is tried with a pod of the pair's own template", () => {
    const special = pairWith('app:1', { podSpec: { nodeName: 'b', containers: [{ name: 'app', image: 'app:1' }] } });
    const target = targetIn([STABLE, special, PRIMARY], { canaryDeployment: 'checkout-b' });
    const request = deploymentWorkload.samplePod(seeFor(target, [STABLE, special, PRIMARY]), target);

    expect(request.body).toMatchObject({
      metadata: { labels: labels('canary') },
      spec: { nodeName: 'b', containers: [{ name: 'app', image: 'app:2' }] },
    });
  });
});

describe('the pair is ready', () => {
  const canary = { kind: 'canary', replicas: 2 } as const;

  test('when all of its pods are of the new image', () => {
    expect(progress(NEW, canary, BY_ROUTE)).toEqual({ kind: 'done' });
  });

  test.each([
    ['it has the image', OLD, 'the new image in Deployment shop/checkout-b'],
    [
      'the controller has seen it',
      pairWith('app:2', { status: { observedGeneration: 3 } }),
      'the Deployment controller to see',
    ],
    ['all pods are updated', pairWith('app:2', { status: { updatedReplicas: 1 } }), '1 of 2 pods on the new image'],
    ['the old pods are gone', pairWith('app:2', { status: { replicas: 3 } }), '1 pods of the old version to go'],
    ['the new pods are ready', pairWith('app:2', { status: { readyReplicas: 1 } }), '1 of 2 pods ready'],
  ])('not before %s', (_what, pair, waitingFor) => {
    expect(progress(pair, canary, BY_ROUTE)).toMatchObject({
      kind: 'pending',
      waitingFor: expect.stringContaining(waitingFor),
    });
  });

  test('where pods are the weight, not before the pods that it had are gone', () => {
    const stage = { kind: 'canary', replicas: 0 } as const;
    const leaving = pairWith('app:2', { replicas: 0, status: { replicas: 2, updatedReplicas: 0 } });

    expect(progress(leaving, stage)).toMatchObject({
      kind: 'pending',
      waitingFor: '2 pods of the version before to go',
    });
    expect(progress(pairWith('app:2', { replicas: 0 }), stage)).toEqual({ kind: 'done' });
  });
});

describe('giving the pair back', () => {
  const found = { kind: 'give-back', images: 'found' } as const;
  const released = { kind: 'give-back', images: 'released' } as const;
  const grown = pairWith('app:2', { replicas: 7 });

  test('after a rollback is one patch of replicas and image', () => {
    const back = patched(grown, plan(grown, found));

    expect(specOf(back)).toEqual({ replicas: 2, image: 'app:1' });
    expect(plan(back, found)).toEqual({ ok: true, value: [] });
  });

  test('after a promotion leaves it the new image', () => {
    expect(specOf(patched(grown, plan(grown, released)))).toEqual({ replicas: 2, image: 'app:2' });
  });

  test('leaves an image alone that somebody else has set meanwhile', () => {
    expect(
      specOf(patched(pairWith('app:9', { replicas: 7 }), plan(pairWith('app:9', { replicas: 7 }), found))),
    ).toEqual({
      replicas: 2,
      image: 'app:9',
    });
  });

  test('needs nothing where nothing was changed, nor of a pair that was deleted, and never deletes', () => {
    const unmarked = pairWith('app:1', { metadata: {} });

    expect(plan(unmarked, found)).toEqual({ ok: true, value: [] });
    expect(deploymentWorkload.plan(seeFor(BY_PODS, [STABLE]), BY_PODS, found, guard)).toEqual({ ok: true, value: [] });
    expect(deploymentWorkload.progress(seeFor(BY_PODS, [STABLE]), BY_PODS, found)).toEqual({ kind: 'done' });
  });

  test('writes nothing on a pair that carries the mark of another run', () => {
    expect(plan(grown, found, BY_PODS, guardOf('shop', 'checkout', 'token-2', 'r1'))).toMatchObject({ ok: false });
  });

  test('is over when its pods are as they were', () => {
    expect(progress(grown, found)).toMatchObject({
      kind: 'pending',
      waitingFor: expect.stringContaining('replicas back'),
    });
    expect(progress(NEW, found)).toMatchObject({ kind: 'pending', waitingFor: expect.stringContaining('image back') });
    expect(progress(pairWith('app:1', { status: { readyReplicas: 1 } }), found)).toMatchObject({ kind: 'pending' });
    expect(progress(OLD, found)).toEqual({ kind: 'done' });
    expect(progress(NEW, released)).toEqual({ kind: 'done' });
  });
});

describe('pods of the pair', () => {
  const setOf = (pair: KubeObject, hash: string, revision: number): KubeObject => {
    const set = replicaSet(pair, hash, revision);
    const { template } = pair['spec'] as { template: { metadata: { labels: Record<string, string> } } };
    const hashed = { ...template.metadata.labels, 'pod-template-hash': hash };
    return {
      ...set,
      metadata: { ...set.metadata, labels: hashed },
      spec: { replicas: 1, template: { ...template, metadata: { ...template.metadata, labels: hashed } } },
    };
  };
  const before = setOf(OLD, 'old1', 1);
  const now = setOf(NEW, 'new2', 2);
  const world = [
    STABLE,
    replicaSet(STABLE, 'aaa', 1),
    NEW,
    before,
    now,
    pod(before, 'aaaaa', { labels: labels('canary') }),
    pod(now, 'bbbbb', { labels: labels('canary') }),
    SERVICE_OF_BOTH,
  ];
  const seen = seeFor(BY_PODS, world);

  test('are those of the new version alone: what it ran before is neither arm', () => {
    expect(deploymentWorkload.podsExpression(seen, BY_PODS).canary).toBe('checkout-b-new2-[a-z0-9]{5}');
    expect(deploymentWorkload.pods(seen, BY_PODS, 'canary').map(({ metadata }) => metadata.name)).toEqual([
      'checkout-b-new2-bbbbb',
    ]);
    expect(deploymentWorkload.podsOf(seen, BY_PODS, 'canary')).toMatchObject({
      labelSelector: 'app=checkout,pod-template-hash=new2,track=canary',
    });
  });

  test('are none while it runs the version before, however many are ready', () => {
    const early = seeFor(BY_PODS, [STABLE, OLD, before, SERVICE_OF_BOTH]);

    expect(deploymentWorkload.observe(early, BY_PODS).canary).toMatchObject({ replicas: 2, ready: 0 });
    expect(deploymentWorkload.podsExpression(early, BY_PODS).canary).toBeNull();
    expect(deploymentWorkload.podsOf(early, BY_PODS, 'canary').kind).toBe(POD.kind);
  });
});

describe('where pods are the weight, a pair with the version before', () => {
  const original = { stableReplicas: 3 };
  const before = seeFor(BY_PODS, [STABLE, OLD, SERVICE_OF_BOTH]);
  const released = seeFor(BY_PODS, [STABLE, NEW, SERVICE_OF_BOTH]);

  test('counts as weight 0, and there is nothing to bring back from it', () => {
    expect(byReplicas.current(before, BY_PODS, original)).toEqual({ ok: true, value: weightOnly(0) });
    expect(byReplicas.wayBack(before, BY_PODS, guard, original)).toEqual([]);
    expect(byReplicas.verify(before, BY_PODS, weightOnly(0), original)).toMatchObject({ kind: 'reached' });
    expect(byReplicas.verify(before, BY_PODS, weightOnly(4_000), original)).toMatchObject({ kind: 'pending' });
  });

  test('counts by its pods from the new image on', () => {
    expect(byReplicas.current(released, BY_PODS, original)).toEqual({ ok: true, value: weightOnly(4_000) });
    expect(byReplicas.wayBack(released, BY_PODS, guard, original)).toHaveLength(1);
  });

  test('was found with the new image and no pods: then every pod counts', () => {
    const idle = targetIn([STABLE, pairWith('app:2', { replicas: 0 }), SERVICE_OF_BOTH], {
      canaryDeployment: 'checkout-b',
      unit: 'pods',
    });

    expect(byReplicas.current(seeFor(idle, [STABLE, NEW, SERVICE_OF_BOTH]), idle, original)).toEqual({
      ok: true,
      value: weightOnly(4_000),
    });
  });
});
