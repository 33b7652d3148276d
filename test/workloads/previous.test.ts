import jsonpatch from 'fast-json-patch';
import { describe, expect, test } from 'vitest';
import { type KubeObject, REPLICA_SET } from '../../src/core/objects.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import {
  created,
  type DeploymentOptions,
  deployment,
  guard,
  object,
  request,
  resolveIn,
  type Strings,
  see,
  seeFor,
  service,
  targetIn,
} from './world.ts';

const PREVIOUS = { version: { kind: 'previous' } } as const;
const SERVICE = service('checkout', { app: 'checkout' });
const CLAIMED = { labels: { [guard.holder.key]: guard.holder.value, [guard.wayBack.key]: guard.wayBack.value } };

const container = (image: string, level: string) => ({
  name: 'app',
  image,
  env: [{ name: 'LEVEL', value: level }],
  ports: [{ containerPort: 8080 }],
});

const withImage = (image: string, level = 'info', options: DeploymentOptions = {}): KubeObject =>
  deployment({ metadata: CLAIMED, podSpec: { containers: [container(image, level)] }, ...options });

const STABLE = withImage('app:2');

const templateOf = (of: KubeObject) => (of['spec'] as { template: Record<string, unknown> }).template;

/** A ReplicaSet of stable's with the template of another time. */
const revision = (number: number, of: KubeObject, labels: Strings = { app: 'checkout' }): KubeObject =>
  object(REPLICA_SET, `checkout-${number}`, {
    metadata: {
      labels: { ...labels, 'pod-template-hash': `hash-${number}` },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: 'checkout',
          uid: STABLE.metadata.uid ?? '',
          controller: true,
        },
      ],
      annotations: { 'deployment.kubernetes.io/revision': `${number}` },
    },
    spec: {
      replicas: number === 3 ? 3 : 0,
      template: {
        ...templateOf(of),
        metadata: { creationTimestamp: null, labels: { ...labels, 'pod-template-hash': `hash-${number}` } },
      },
    },
  });

const WORLD = [
  STABLE,
  SERVICE,
  revision(1, withImage('app:0')),
  revision(2, withImage('app:1', 'debug')),
  revision(3, STABLE),
];

const findings = (objects: readonly KubeObject[]) => resolveIn(objects, PREVIOUS).findings;
const errors = (objects: readonly KubeObject[]) => findings(objects).filter(({ severity }) => severity === 'error');

describe('the version before', () => {
  test('is the whole template of the newest ReplicaSet that is not the current one', () => {
    const { target } = resolveIn(WORLD, PREVIOUS);

    expect(target?.images).toEqual([{ container: 'app', image: 'app:1' }]);
    expect(target?.template).toEqual({
      metadata: { labels: { app: 'checkout' } },
      spec: { containers: [container('app:1', 'debug')] },
    });
  });

  test('says where it differs in more than images, without a value', () => {
    const [warning, ...others] = findings(WORLD);

    expect(others).toEqual([]);
    expect(warning).toMatchObject({ severity: 'warning' });
    expect(warning?.message).toBe(
      'Revision 2 of Deployment shop/checkout differs from now in more than images: template.spec.containers[app].env[LEVEL].value.',
    );
  });

  test('after a rollback is the version that was rolled back from', () => {
    const back = withImage('app:1');
    const { target } = resolveIn([back, SERVICE, revision(3, withImage('app:2')), revision(4, back)], PREVIOUS);

    expect(target?.images).toEqual([{ container: 'app', image: 'app:2' }]);
  });

  test('may differ in its environment alone, and is then judged by the images that it keeps', () => {
    const { target } = resolveIn([STABLE, SERVICE, revision(2, withImage('app:2', 'debug'))], PREVIOUS);

    expect(target?.images).toEqual([{ container: 'app', image: 'app:2' }]);
  });

  test('is never one of another Deployment', () => {
    const stranger = revision(2, withImage('app:1'));
    const foreign = { ...stranger, metadata: { ...stranger.metadata, ownerReferences: [] } };

    expect(errors([STABLE, SERVICE, foreign]).map(({ code }) => code)).toEqual(['nothing-to-roll-back']);
  });

  test('that no ReplicaSet keeps is refused with the cause', () => {
    const [none] = errors([STABLE, SERVICE, revision(3, STABLE)]);
    const [forgotten] = errors([
      deployment({ metadata: CLAIMED, spec: { revisionHistoryLimit: 0 } }),
      SERVICE,
      revision(3, deployment()),
    ]);

    expect(none?.message).toBe('Deployment shop/checkout has no earlier ReplicaSet with another pod template.');
    expect(none?.code).toBe('nothing-to-roll-back');
    expect(forgotten?.message).toContain('keeps no earlier ReplicaSet (revisionHistoryLimit: 0)');
    expect(forgotten?.advice).toContain('set revisionHistoryLimit to 1 or more');
  });

  test('is never what runs already', () => {
    const asked = request(PREVIOUS);

    expect(deploymentWorkload.isUnchanged(see(deploymentWorkload.surveys(asked), WORLD), asked)).toBe(false);
  });

  test('is refused when a Service would lose its pods by it', () => {
    const labels = { app: 'checkout', tier: 'web' };
    const stable = withImage('app:2', 'info', { labels, selector: { matchLabels: { app: 'checkout' } } });
    const [lost, ...others] = errors([stable, service('checkout', labels), revision(2, withImage('app:1'))]);

    expect(others).toEqual([]);
    expect(lost).toMatchObject({ code: 'unsafe-labels' });
    expect(lost?.message).toContain('Service checkout selects the pods of now, but not those of the version before');
  });

  test('is refused when a label by which the arms are told apart has moved', () => {
    const selector = { matchExpressions: [{ key: 'app', operator: 'In', values: ['checkout', 'shop'] }] };
    const stable = withImage('app:2', 'info', { labels: { app: 'shop' }, selector });
    const all = [stable, service('web', { app: 'web' }), revision(2, withImage('app:1'))];

    const codes = findings(all).map(({ code, message }) => `${code} ${message}`);

    expect(codes).toContainEqual('unsafe-labels The label app of the version before has another value than now.');
  });

  test('with a stable that serves nobody is answered with the command that undoes at once', () => {
    const sick = withImage('app:2', 'info', { status: { readyReplicas: 0, availableReplicas: 0 } });
    const [health] = errors([sick, ...WORLD.slice(1)]);

    expect(health?.code).toBe('stable-not-healthy');
    expect(health?.advice).toContain('kubectl -n shop rollout undo deployment/checkout');
  });
});

describe('releasing the version before', () => {
  const target = targetIn(WORLD, PREVIOUS);
  const plan = (stable: KubeObject) =>
    deploymentWorkload.plan(seeFor(target, [stable, SERVICE]), target, { kind: 'update-stable' }, guard);
  const update = plan(STABLE);
  const body = update.ok ? update.value[0]?.body : null;
  const apply = (to: KubeObject): KubeObject =>
    jsonpatch.applyPatch(structuredClone(to), JSON.parse(JSON.stringify(body)), true).newDocument;

  test('makes a canary of the old template, with its labels', () => {
    const canary = created(seeFor(target, WORLD), target, 'canary');

    expect(templateOf(canary)).toEqual({
      metadata: { labels: { app: 'checkout-canary' } },
      spec: { containers: [container('app:1', 'debug')] },
    });
  });

  test('promotes in one patch that tests uid, holder and the whole template as it was read', () => {
    expect(body).toEqual([
      { op: 'test', path: '/metadata/uid', value: STABLE.metadata.uid },
      { op: 'test', path: expect.stringContaining('holder'), value: 'token-1' },
      { op: 'test', path: '/spec/template', value: templateOf(STABLE) },
      { op: 'add', path: '/spec/template', value: target.template },
    ]);
    expect(templateOf(apply(STABLE))).toEqual(target.template);
    expect(() => apply(withImage('app:2', 'changed meanwhile'))).toThrow();
  });

  test('has nothing to do once stable has that template', () => {
    expect(plan(apply(STABLE))).toEqual({ ok: true, value: [] });
  });

  test('does not take a stable with the same image for one that was updated', () => {
    const other = targetIn([STABLE, SERVICE, revision(2, withImage('app:2', 'debug'))], PREVIOUS);
    const progress = (stable: KubeObject) =>
      deploymentWorkload.progress(seeFor(other, [stable, SERVICE]), other, { kind: 'update-stable' });

    expect(progress(STABLE)).toEqual({
      kind: 'pending',
      waitingFor: 'the new pod template in Deployment shop/checkout',
    });
    expect(progress(withImage('app:2', 'debug'))).toMatchObject({ kind: 'pending', waitingFor: /endpoints/ });
  });

  test('gives stable another template hash, so that nobody takes it for the old one', () => {
    const seen = (stable: KubeObject) => deploymentWorkload.observe(seeFor(target, [stable, SERVICE]), target).stable;

    expect(seen(apply(STABLE))?.template).not.toBe(seen(STABLE)?.template);
  });
});
