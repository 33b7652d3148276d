import { beforeAll, expect, test } from 'vitest';
import type { ApiClient, Reply } from './api-client.ts';
import { at, deployment, failure, route } from './api-client.ts';

interface Context {
  client: ApiClient;
  deployments: string;
  routes: string;
  services: string;
  leases: string;
}

const generationOf = ({ body }: Reply): unknown => at(body, 'metadata', 'generation');

const deployments = (context: Context): void => {
  const create = (name: string, spec: object = {}, query = ''): Promise<Reply> =>
    context.client.post(`${context.deployments}${query}`, deployment(name, { replicas: 0, ...spec }));
  const patch = (name: string, body: object, query = ''): Promise<Reply> =>
    context.client.mergePatch(`${context.deployments}/${name}${query}`, body);

  test('a Deployment gets its defaults', async () => {
    const { body } = await context.client.post(context.deployments, deployment('defaults'));

    expect(generationOf({ body } as Reply)).toBe(1);
    expect(at(body, 'spec')).toMatchObject({
      replicas: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    });
    expect(at(body, 'spec', 'template', 'spec')).toEqual({
      containers: [
        {
          name: 'app',
          image: 'registry.example/app:1',
          ports: [{ containerPort: 80, protocol: 'TCP' }],
          resources: {},
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      securityContext: {},
      schedulerName: 'default-scheduler',
    });
  });

  test('labels leave the generation of a Deployment alone, annotations and spec raise it', async () => {
    await create('generations');
    const labelled = await patch('generations', { metadata: { labels: { a: 'b' } } });
    const annotated = await patch('generations', { metadata: { annotations: { a: 'b' } } });
    const scaled = await patch('generations', { spec: { minReadySeconds: 1 } });

    expect([labelled, annotated, scaled].map(generationOf)).toEqual([1, 2, 3]);
  });

  test('a dry run shows the generation that the change would have', async () => {
    await create('dry-generation');
    const dry = await patch('dry-generation', { spec: { minReadySeconds: 1 } }, '?dryRun=All');

    expect(generationOf(dry)).toBe(2);
    expect(generationOf(await context.client.get(`${context.deployments}/dry-generation`))).toBe(1);
  });

  test('a status is written through its own path only', async () => {
    await create('statuses');
    const ignored = await patch('statuses', { status: { replicas: 7 } });
    const written = await patch('statuses/status', { status: { collisionCount: 3 }, spec: { replicas: 9 } });

    expect(at(ignored.body, 'status', 'replicas')).not.toBe(7);
    expect(at(written.body, 'status', 'collisionCount')).toBe(3);
    expect(at(written.body, 'spec', 'replicas')).toBe(0);
    expect(generationOf(written)).toBe(1);
  });

  test('the selector of a Deployment is immutable', async () => {
    await create('selector');
    const labels = { app: 'selector', x: 'y' };
    const { body } = await patch('selector', {
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels } } },
    });

    const message = 'Invalid value: {"matchLabels":{"app":"selector","x":"y"}}: field is immutable';
    const causes = [{ reason: 'FieldValueInvalid', message, field: 'spec.selector' }];
    const details = { name: 'selector', group: 'apps', kind: 'Deployment', causes };
    expect(body).toEqual(
      failure(422, 'Invalid', `Deployment.apps "selector" is invalid: spec.selector: ${message}`, details),
    );
  });

  test('a selector that does not match its template is a 422 with its cause', async () => {
    const { code, body } = await create('mismatch', { selector: { matchLabels: { app: 'other' } } });

    expect(code).toBe(422);
    expect(at(body, 'details', 'causes')).toEqual([
      {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: {"app":"mismatch"}: `selector` does not match template `labels`',
        field: 'spec.template.metadata.labels',
      },
    ]);
  });

  test('a negative number of replicas is a 422 with its cause', async () => {
    await create('negative');
    const { body } = await patch('negative', { spec: { replicas: -1 } });

    expect(at(body, 'details', 'causes', 0)).toEqual({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: -1: must be greater than or equal to 0',
      field: 'spec.replicas',
    });
  });

  test('strict validation refuses an unknown field, in a creation by 400, in a patch by 422', async () => {
    const created = await create('strict', { bogus: 1 }, '?fieldValidation=Strict');
    await create('strict-patch');
    const patched = await patch('strict-patch', { spec: { bogus: 1 } }, '?fieldValidation=Strict');

    const message =
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.bogus"';
    expect(created.body).toEqual(failure(400, 'BadRequest', message));
    expect(patched.code).toBe(422);
    expect(at(patched.body, 'message')).toMatch(/strict decoding error: unknown field "spec.bogus"$/);
    expect(at(patched.body, 'details', 'causes', 0, 'field')).toBe('patch');
  });

  test('the scale of a Deployment is read and written through its own path', async () => {
    await create('scale');
    const { body } = await context.client.mergePatch(`${context.deployments}/scale/scale`, { spec: { replicas: 2 } });

    expect(body).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 2 } });
    expect(at((await context.client.get(`${context.deployments}/scale`)).body, 'spec', 'replicas')).toBe(2);
  });

  test('a foreground deletion of a Deployment answers with the marked object', async () => {
    await create('foreground');
    const options = { propagationPolicy: 'Foreground' };
    const { body } = await context.client.delete(`${context.deployments}/foreground`, options);

    expect(at(body, 'kind')).toBe('Deployment');
    expect(at(body, 'metadata', 'finalizers')).toEqual(['foregroundDeletion']);
    expect(generationOf({ body } as Reply)).toBe(2);
  });
};

const routes = (context: Context): void => {
  const create = (name: string, rules: object[] = [{ backendRefs: [{ name: 'stable', port: 80 }] }]): Promise<Reply> =>
    context.client.post(context.routes, route(name, rules));
  const patch = (name: string, operations: object[], query = ''): Promise<Reply> =>
    context.client.jsonPatch(`${context.routes}/${name}${query}`, operations);
  const weight = '/spec/rules/0/backendRefs/0/weight';

  test('an HTTPRoute gets its defaults', async () => {
    const { body } = await create('defaults');

    expect(generationOf({ body } as Reply)).toBe(1);
    expect(at(body, 'spec')).toEqual({
      parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'nowhere' }],
      rules: [
        {
          backendRefs: [{ group: '', kind: 'Service', name: 'stable', port: 80, weight: 1 }],
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
        },
      ],
    });
  });

  test('two weights change in one request that tests what it read', async () => {
    const { body: before } = await create('weights');
    const { code, body } = await patch('weights', [
      { op: 'test', path: '/metadata/uid', value: at(before, 'metadata', 'uid') },
      { op: 'test', path: '/metadata/generation', value: 1 },
      { op: 'test', path: '/spec/rules/0/backendRefs/0/name', value: 'stable' },
      { op: 'replace', path: weight, value: 95 },
      { op: 'add', path: '/spec/rules/0/backendRefs/-', value: { name: 'canary', port: 80, weight: 5 } },
    ]);

    expect(code).toBe(200);
    expect(generationOf({ body } as Reply)).toBe(2);
    expect(at(body, 'spec', 'rules', 0, 'backendRefs')).toEqual([
      { group: '', kind: 'Service', name: 'stable', port: 80, weight: 95 },
      { group: '', kind: 'Service', name: 'canary', port: 80, weight: 5 },
    ]);
  });

  test('a generation that has moved on fails its test', async () => {
    await create('moved');
    await patch('moved', [{ op: 'replace', path: weight, value: 2 }]);
    const { body } = await patch('moved', [{ op: 'test', path: '/metadata/generation', value: 1 }]);

    expect(body).toEqual(failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {}));
  });

  test('annotations and labels leave the generation of a route alone', async () => {
    await create('annotated');
    const { body } = await context.client.mergePatch(`${context.routes}/annotated`, {
      metadata: { annotations: { a: 'b' }, labels: { a: 'b' } },
    });

    expect(generationOf({ body } as Reply)).toBe(1);
  });

  test('a weight above the limit is a 422 with its cause', async () => {
    await create('heavy');
    const { body } = await patch('heavy', [{ op: 'replace', path: weight, value: 2_000_000 }]);

    const field = 'spec.rules[0].backendRefs[0].weight';
    const message = `Invalid value: 2000000: ${field} in body should be less than or equal to 1000000`;
    expect(at(body, 'details', 'causes')).toEqual([{ reason: 'FieldValueInvalid', message, field }]);
  });

  test('a weight that is text is a 422 with its cause', async () => {
    await create('text');
    const { body } = await patch('text', [{ op: 'replace', path: weight, value: '5' }]);

    expect(at(body, 'details', 'causes', 0)).toMatchObject({
      reason: 'FieldValueTypeInvalid',
      field: 'spec.rules[0].backendRefs[0].weight',
    });
  });

  test('strict validation refuses an unknown field of a backend', async () => {
    await create('strict');
    const operations = [{ op: 'add', path: '/spec/rules/0/backendRefs/0/weigth', value: 1 }];
    const { code, body } = await patch('strict', operations, '?fieldValidation=Strict');

    expect(code).toBe(422);
    expect(at(body, 'message')).toMatch(
      /strict decoding error: unknown field "spec.rules\[0\].backendRefs\[0\].weigth"$/,
    );
  });

  test('a custom resource without a kind is a 400', async () => {
    const { code, body } = await context.client.post(context.routes, { metadata: { name: 'kindless' } });

    expect(code).toBe(400);
    expect(at(body, 'message')).toMatch(/^the object provided is unrecognized \(must be of type HTTPRoute\)/);
  });

  test('a route is served in its older version too', async () => {
    await create('older');
    const { body } = await context.client.get(`${context.routes.replace('/v1/', '/v1beta1/')}/older`);

    expect(at(body, 'apiVersion')).toBe('gateway.networking.k8s.io/v1beta1');
  });
};

const others = (context: Context): void => {
  test('a Service gets its defaults, and a deletion answers with it', async () => {
    const spec = { selector: { app: 'x' }, ports: [{ port: 80 }] };
    const { body } = await context.client.post(context.services, { metadata: { name: 'plain' }, spec });
    const deleted = await context.client.delete(`${context.services}/plain`, { propagationPolicy: 'Background' });

    expect(at(body, 'spec')).toMatchObject({ type: 'ClusterIP', sessionAffinity: 'None', selector: { app: 'x' } });
    expect(at(body, 'spec', 'ports')).toEqual([{ protocol: 'TCP', port: 80, targetPort: 80 }]);
    expect(at(body, 'spec', 'clusterIP')).toMatch(/^10\.96\./);
    expect(at(deleted.body, 'kind')).toBe('Service');
  });

  test('several ports of a Service need names', async () => {
    const spec = { ports: [{ port: 80 }, { name: 'b', port: 81 }] };
    const { body } = await context.client.post(context.services, { metadata: { name: 'ports' }, spec });

    expect(at(body, 'details', 'causes')).toEqual([
      { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.ports[0].name' },
    ]);
  });

  test('a Service whose name is too long is a 422 of its name', async () => {
    const name = 'a'.repeat(64);
    const { code, body } = await context.client.post(context.services, {
      metadata: { name },
      spec: { ports: [{ port: 80 }] },
    });

    expect(code).toBe(422);
    expect(at(body, 'details', 'causes', 0, 'field')).toBe('metadata.name');
  });

  test('a Lease keeps its times to the microsecond, and lasts longer than nothing', async () => {
    const spec = { holderIdentity: 'me', leaseDurationSeconds: 30, renewTime: '2026-11-21T13:31:21.123456Z' };
    const { code, body } = await context.client.post(context.leases, { metadata: { name: 'lease' }, spec });
    const empty = await context.client.post(context.leases, {
      metadata: { name: 'empty' },
      spec: { leaseDurationSeconds: 0 },
    });

    expect(code).toBe(201);
    expect(at(body, 'spec')).toEqual(spec);
    expect(at(empty.body, 'details', 'causes', 0, 'field')).toBe('spec.leaseDurationSeconds');
  });

  const job = (name: string, spec: object = {}): object => ({
    metadata: { name },
    spec: { template: { spec: { containers: [{ name: 'c', image: 'registry.example/app:1' }], ...spec } } },
  });

  test('a Job says when its pods start again, and keeps its template', async () => {
    const jobs = `/apis/batch/v1/namespaces/${context.client.namespace}/jobs`;
    const without = await context.client.post(jobs, job('unsaid'));
    const made = await context.client.post(jobs, job('said', { restartPolicy: 'OnFailure' }));
    const changed = await context.client.mergePatch(`${jobs}/said`, {
      spec: { template: { spec: { terminationGracePeriodSeconds: 1 } } },
    });

    expect(without.code).toBe(422);
    expect(at(without.body, 'details', 'causes')).toEqual([
      {
        reason: 'FieldValueRequired',
        message: 'Required value: valid values: "OnFailure", "Never"',
        field: 'spec.template.spec.restartPolicy',
      },
    ]);
    expect(at(made.body, 'spec')).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 6, suspend: false });
    expect([changed.code, at(changed.body, 'details', 'causes', 0, 'field')]).toEqual([422, 'spec.template']);
    expect((await context.client.delete(`${jobs}/said`, { propagationPolicy: 'Background' })).code).toBe(200);
  });

  test('a dry run of a Pod checks it and makes none', async () => {
    const path = `/api/v1/namespaces/${context.client.namespace}/pods`;
    const spec = { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'registry.example/app:1' }] };
    const { code } = await context.client.post(`${path}?dryRun=All`, { metadata: { name: 'dry-pod' }, spec });

    expect(code).toBe(201);
    expect((await context.client.get(`${path}/dry-pod`)).code).toBe(404);
  });
};

export const kindRules = (connect: () => Promise<ApiClient>): void => {
  const context = {} as Context;
  beforeAll(async () => {
    context.client = await connect();
    const { namespace } = context.client;
    context.deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
    context.routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
    context.services = `/api/v1/namespaces/${namespace}/services`;
    context.leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  });
  deployments(context);
  routes(context);
  others(context);
};
