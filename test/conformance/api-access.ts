import { beforeAll, expect, test } from 'vitest';
import type { ApiClient } from './api-client.ts';
import { at, failure } from './api-client.ts';

interface Context {
  client: ApiClient;
}

const access = (context: Context): void => {
  test('a token that nobody knows is a 401', async () => {
    const path = `/api/v1/namespaces/${context.client.namespace}/configmaps`;
    const { body } = await context.client.get(path, { authorization: 'Bearer nobody' });

    expect(body).toEqual(failure(401, 'Unauthorized', 'Unauthorized'));
  });

  test.each([
    [
      '/api/v1/namespaces/NS/configmaps',
      'configmaps',
      'list resource "configmaps" in API group ""',
      { kind: 'configmaps' },
    ],
    [
      '/api/v1/namespaces/NS/configmaps?watch=true',
      'configmaps',
      'watch resource "configmaps" in API group ""',
      { kind: 'configmaps' },
    ],
    [
      '/api/v1/namespaces/NS/configmaps/a',
      'configmaps "a"',
      'get resource "configmaps" in API group ""',
      { name: 'a', kind: 'configmaps' },
    ],
    [
      '/apis/apps/v1/namespaces/NS/deployments/a',
      'deployments.apps "a"',
      'get resource "deployments" in API group "apps"',
      { name: 'a', group: 'apps', kind: 'deployments' },
    ],
    [
      '/apis/apps/v1/namespaces/NS/deployments/a/scale',
      'deployments.apps "a"',
      'get resource "deployments/scale" in API group "apps"',
      { name: 'a', group: 'apps', kind: 'deployments' },
    ],
    [
      '/api/v1/namespaces/NS/services/http:p:9090/proxy/x',
      'services "http:p:9090"',
      'get resource "services/proxy" in API group ""',
      { name: 'http:p:9090', kind: 'services' },
    ],
  ])('%s without a right is a 403 that names verb, resource and namespace', async (path, subject, what, details) => {
    const { namespace } = context.client;
    const { body } = await context.client.get(path.replace('NS', namespace), {});

    const message = `${subject} is forbidden: User "system:anonymous" cannot ${what} in the namespace "${namespace}"`;
    expect(body).toEqual(failure(403, 'Forbidden', message, details));
  });

  test('a refusal for the whole cluster says so', async () => {
    const { body } = await context.client.get('/apis/apps/v1/deployments', {});

    const message =
      'deployments.apps is forbidden: User "system:anonymous" cannot list resource "deployments" in API group "apps" at the cluster scope';
    expect(body).toEqual(failure(403, 'Forbidden', message, { group: 'apps', kind: 'deployments' }));
  });

  test('an access review answers for who asks', async () => {
    const resourceAttributes = {
      verb: 'patch',
      group: 'apps',
      resource: 'deployments',
      namespace: context.client.namespace,
    };
    const { code, body } = await context.client.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    });

    expect(code).toBe(201);
    expect(at(body, 'kind')).toBe('SelfSubjectAccessReview');
    expect(at(body, 'spec', 'resourceAttributes')).toEqual(resourceAttributes);
    expect(at(body, 'status', 'allowed')).toBe(true);
  });
};

const paths = (context: Context): void => {
  const status = (path: string): Promise<{ code: number; contentType: string; body: unknown }> =>
    context.client.get(path);

  test('readiness and version are public', async () => {
    const ready = await context.client.get('/readyz', {});
    const version = await context.client.get('/version', {});

    expect([ready.code, ready.text]).toEqual([200, 'ok']);
    expect(at(version.body, 'gitVersion')).toMatch(/^v\d+\.\d+/);
  });

  test('an unknown resource of a known group is a 404 with a Status', async () => {
    const { body } = await status('/apis/apps/v1/namespaces/x/bogus/y');

    expect(body).toEqual(failure(404, 'NotFound', 'the server could not find the requested resource', {}));
  });

  test.each([
    '/apis/bogus.io/v1',
    '/apis/bogus.io',
    '/apis/bogus.io/v1/namespaces/x/bogus/y',
    '/apis/gateway.networking.k8s.io/v1/namespaces/x/bogus',
  ])('nothing is served at %s, and the 404 is plain text', async (path) => {
    const { code, contentType } = await status(path);

    expect([code, contentType]).toEqual([404, 'text/plain; charset=utf-8']);
  });

  test('discovery tells groups, versions and resources', async () => {
    const roots = await status('/api');
    const groups = at((await status('/apis')).body, 'groups') as { name: string }[];
    const group = await status('/apis/gateway.networking.k8s.io');
    const resources = at((await status('/apis/gateway.networking.k8s.io/v1')).body, 'resources') as object[];
    const core = at((await status('/api/v1')).body, 'resources') as object[];

    expect(at(roots.body, 'versions')).toEqual(['v1']);
    expect(groups.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['apps', 'autoscaling', 'gateway.networking.k8s.io']),
    );
    expect(at(group.body, 'preferredVersion', 'version')).toBe('v1');
    expect(at(group.body, 'versions')).toContainEqual({
      groupVersion: 'gateway.networking.k8s.io/v1beta1',
      version: 'v1beta1',
    });
    expect(resources).toContainEqual(
      expect.objectContaining({ name: 'httproutes', kind: 'HTTPRoute', namespaced: true }),
    );
    expect(resources).toContainEqual(expect.objectContaining({ name: 'httproutes/status' }));
    expect(core).toContainEqual(expect.objectContaining({ name: 'services', kind: 'Service' }));
  });

  test('an object that is missing is a 404 that names its resource and group', async () => {
    const { namespace } = context.client;
    const { body } = await status(`/apis/apps/v1/namespaces/${namespace}/deployments/none`);

    const details = { name: 'none', group: 'apps', kind: 'deployments' };
    expect(body).toEqual(failure(404, 'NotFound', 'deployments.apps "none" not found', details));
  });

  test('a proxied Service and the log of a Pod that are missing are a 404 of their own', async () => {
    const { namespace } = context.client;
    const proxied = await status(`/api/v1/namespaces/${namespace}/services/none:9090/proxy/x`);
    const log = await status(`/api/v1/namespaces/${namespace}/pods/none/log`);

    expect(proxied.body).toEqual(
      failure(404, 'NotFound', 'services "none" not found', { name: 'none', kind: 'services' }),
    );
    expect(log.body).toEqual(failure(404, 'NotFound', 'pods "none" not found', { name: 'none', kind: 'pods' }));
  });
};

export const accessRules = (connect: () => Promise<ApiClient>): void => {
  const context = {} as Context;
  beforeAll(async () => {
    context.client = await connect();
  });
  access(context);
  paths(context);
};
