import { describe, expect, test } from 'vitest';
import type { KubeObject, Request } from '../../src/core/objects.ts';
import { dryRun, fieldsOfRequest, plannedWrites } from '../../src/drive/dry-run.ts';
import { readAll } from '../../src/drive/read.ts';
import type { Cluster } from '../../src/ports/cluster.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { deployment, request, service, targetIn } from '../workloads/world.ts';
import { aPlan, aRoute, guard, ROUTE, router, signal } from './adapters.ts';

const STABLE = deployment();
const OBJECTS = [STABLE, service('checkout', { app: 'checkout' })];
const LABELS = { app: 'checkout' };

const withImage = (object: KubeObject, image: string, template: Record<string, unknown> = {}): KubeObject => {
  const spec = object['spec'] as { template: { spec: object } };
  const containers = [{ name: 'app', image, ports: [{ containerPort: 8080 }] }];
  return {
    ...object,
    spec: { ...spec, template: { ...spec.template, ...template, spec: { containers } } },
  } as KubeObject;
};

/** A cluster whose webhook changes what is written to the Deployment. */
const rewriting = (by: (object: KubeObject) => KubeObject): Cluster => {
  const cluster = fakeCluster({ objects: [...OBJECTS, aRoute(0, {})] });
  const send: Cluster['send'] = async (one, options) => {
    const answer = await cluster.send(one, options);
    return answer.kind === 'ok' && one.ref.kind === 'Deployment' && one.verb === 'patch'
      ? { kind: 'ok', value: by(answer.value) }
      : answer;
  };
  return { ...cluster, send };
};

const findings = async (cluster: Cluster, template: KubeObject | null = null) => {
  const target = { ...targetIn(OBJECTS), routes: [ROUTE] };
  const spec = template === null ? null : (template['spec'] as { template: never }).template;
  const plan = aPlan({ target: { ...target, template: spec } });
  const refs = [...deploymentWorkload.reads(plan.target, true), ...deploymentWorkload.surveys(request())];
  const read = await readAll(cluster, [...refs, ROUTE], signal());
  if (read.kind === 'failed') throw new Error(read.what);
  return dryRun(
    { cluster, router, workload: deploymentWorkload, watchdog: null, guard, seen: read.seen, plan },
    signal(),
  );
};

describe('an API server that changes what it is told', () => {
  const mirrored = (object: KubeObject) => withImage(object, 'mirror.example/app:2');

  test('is found out before the start when it rewrites the image that promotion writes', async () => {
    const [finding, ...others] = await findings(rewriting(mirrored));

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code: 'refused-by-cluster', where: 'Deployment shop/checkout' });
    expect(finding?.message).toContain('changes what promotion would write');
  });

  test('is found out when it adds to the pod template that is released', async () => {
    const added = (object: KubeObject) =>
      withImage(object, 'app:0', { metadata: { labels: LABELS, annotations: { injected: 'yes' } } });

    expect(await findings(rewriting(added), withImage(STABLE, 'app:0'))).toHaveLength(1);
  });

  test('is left alone in what it does elsewhere', async () => {
    const labelled = (object: KubeObject) => ({ ...object, metadata: { ...object.metadata, labels: { team: 'a' } } });

    expect(await findings(rewriting(labelled))).toEqual([]);
    expect(await findings(rewriting(labelled), withImage(STABLE, 'app:0'))).toEqual([]);
  });
});

describe('the fields of a request', () => {
  const patch = (...body: readonly object[]): Request => ({
    verb: 'patch',
    ref: ROUTE,
    contentType: 'application/json-patch+json',
    body: body as never,
  });

  test('of a part that is replaced whole are the places that change', () => {
    const value = { spec: { containers: [{ name: 'app', image: 'app:1', env: [{ name: 'A', value: 'secret' }] }] } };
    const next = { spec: { containers: [{ name: 'app', image: 'app:2', env: [{ name: 'A', value: 'other' }] }] } };

    const fields = fieldsOfRequest(
      patch({ op: 'test', path: '/spec/template', value }, { op: 'add', path: '/spec/template', value: next }),
    );

    expect(fields).toEqual([
      'spec.template.spec.containers[app].env[A].value',
      'spec.template.spec.containers[app].image',
    ]);
  });

  test('are counted where they are many', () => {
    const value = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`a${index + 10}`, index]));

    const fields = fieldsOfRequest(
      patch({ op: 'test', path: '/spec/template', value }, { op: 'add', path: '/spec/template', value: {} }),
    );

    expect(fields).toHaveLength(21);
    expect(fields.at(-1)).toBe('spec.template (10 more places)');
  });

  test('of a plan hold stable’s update beside the canary', async () => {
    const cluster = fakeCluster({ objects: [...OBJECTS, aRoute(0, {})] });
    const target = { ...targetIn(OBJECTS), routes: [ROUTE] };
    const read = await readAll(cluster, [...deploymentWorkload.reads(target, true), ROUTE], signal());
    if (read.kind === 'failed') throw new Error(read.what);

    const { requests } = plannedWrites({
      cluster,
      router,
      workload: deploymentWorkload,
      watchdog: null,
      guard,
      seen: read.seen,
      plan: aPlan({ target }),
    });

    expect(requests.flatMap(fieldsOfRequest)).toContain('spec.template.spec.containers[0].image');
  });
});
