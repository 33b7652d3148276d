import { describe, expect, test } from 'vitest';
import { DEPLOYMENT, type KubeObject, objectRef, refKey, type Seen } from '../../src/core/objects.ts';
import { checkFirst } from '../../src/drive/check-first.ts';
import { completeManifest } from '../../src/drive/complete-manifest.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { aManifest, POD_TEMPLATE } from '../fakes/manifest.ts';
import { deployment, request } from '../workloads/world.ts';
import { signal } from './adapters.ts';

const REF = objectRef(DEPLOYMENT, 'shop', 'checkout');
const MANIFEST = aManifest();
const ASKED = request({ version: { kind: 'manifest', manifest: MANIFEST, template: null } });

const seenWith = (stable: KubeObject | null): Seen => ({ objects: new Map([[refKey(REF), stable]]), lists: new Map() });

/** An API server that fills in what the template leaves out. */
const defaulting = (stable: KubeObject | null) => {
  const cluster = fakeCluster(stable === null ? {} : { objects: [stable] });
  const filled = { ...POD_TEMPLATE, spec: { ...(POD_TEMPLATE['spec'] as object), restartPolicy: 'Always' } };
  return {
    filled,
    cluster: {
      ...cluster,
      send: async (...call: Parameters<typeof cluster.send>) => {
        const answer = await cluster.send(...call);
        if (answer.kind !== 'ok' || call[0].ref.kind !== 'Deployment') return answer;
        return {
          ...answer,
          value: { ...answer.value, spec: { ...(answer.value['spec'] as object), template: filled } },
        };
      },
    },
    writes: cluster.writes,
  };
};

describe('the template of a manifest', () => {
  test('is asked of the API server, dry, and is what it answers', async () => {
    const stable = deployment();
    const { cluster, filled, writes } = defaulting(stable);
    const input = { cluster, workload: deploymentWorkload, signal: signal() };

    const completed = await completeManifest(input, ASKED, seenWith(stable));

    expect(completed.request.version).toMatchObject({ kind: 'manifest', template: filled });
    expect([completed.creation, completed.findings]).toEqual([null, []]);
    expect(writes.map(({ request: { verb }, dryRun }) => `${verb} ${dryRun}`)).toEqual(['patch true']);
  });

  test('that the API server refuses is told with the line of the file and the causes', async () => {
    const stable = deployment();
    const cluster = fakeCluster({ objects: [stable] });
    const causes = [{ field: 'spec.template.spec.containers[0].ports[0].containerPort', message: 'Required value' }];
    cluster.interfere((verb) => (verb === 'patch' ? { kind: 'invalid', message: 'it is invalid', causes } : undefined));
    const input = { cluster, workload: deploymentWorkload, signal: signal() };

    const { findings } = await completeManifest(input, ASKED, seenWith(stable));

    expect(findings).toEqual([
      {
        severity: 'error',
        code: 'refused-by-cluster',
        where: 'k8s/checkout.yaml:9',
        message:
          'Deployment shop/checkout: it is invalid (spec.template.spec.containers[0].ports[0].containerPort: Required value)',
        advice: null,
      },
    ]);
  });

  test('leaves a version of another kind as it is', async () => {
    const input = { cluster: fakeCluster(), workload: deploymentWorkload, signal: signal() };

    expect(await completeManifest(input, request(), seenWith(deployment()))).toEqual({
      request: request(),
      creation: null,
      findings: [],
    });
    expect(input.cluster.writes).toEqual([]);
  });
});

describe('a Deployment that does not exist', () => {
  const check = async (refusePods: boolean) => {
    const fake = fakeCluster();
    fake.interfere((verb, { kind }) =>
      refusePods && verb === 'create' && kind === 'Pod' ? { kind: 'forbidden', message: 'exceeded quota' } : undefined,
    );
    const input = { cluster: fake, workload: deploymentWorkload, signal: signal() };
    const completed = await completeManifest(input, ASKED, seenWith(null));
    const { creation } = completed;
    if (creation === null) throw new Error('expected a creation');
    const where = { cluster: fake, spec: { manifest: MANIFEST }, namespace: 'shop', signal: signal() };
    return { found: await checkFirst(where, { ...completed, creation, permissions: [] }), fake };
  };

  test('is ready to be created when the API server would take it and its pods', async () => {
    const { found, fake } = await check(false);

    expect(found).toMatchObject({ kind: 'first', findings: [] });
    expect(fake.writes.every(({ dryRun }) => dryRun)).toBe(true);
  });

  test('is refused when admission would take none of its pods', async () => {
    const { found } = await check(true);

    expect(found).toMatchObject({ kind: 'rejected', findings: [{ code: 'forbidden', message: 'exceeded quota' }] });
  });
});
