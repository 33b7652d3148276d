import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cluster } from '../../sandbox/cluster/index.ts';
import { startCluster } from '../../sandbox/cluster/index.ts';

const held = {} as { cluster: Cluster };
beforeAll(async () => {
  held.cluster = await startCluster({ namespaces: ['shop', 'other'] });
});
afterAll(() => held.cluster.stop());

const call = async (
  token: string,
  method: string,
  path: string,
  body?: object,
): Promise<{ code: number; body: unknown }> => {
  const response = await fetch(`${held.cluster.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'user-agent': 'me/1' },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { code: response.status, body: await response.json().catch(() => null) };
};

const review = async (token: string, resourceAttributes: object): Promise<unknown> => {
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const { body } = await call(token, 'POST', path, { spec: { resourceAttributes } });
  return (body as { status: { allowed: boolean } }).status.allowed;
};

describe('rights', () => {
  const rules = [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create'], namespaces: ['shop'] },
    { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'], resourceNames: ['checkout'] },
  ];

  test('a token can do what its rules say and no more, and a review says the same', async () => {
    const token = held.cluster.token('limited', rules);
    const configMaps = '/api/v1/namespaces/shop/configmaps';

    expect((await call(token, 'POST', configMaps, { metadata: { name: 'a' } })).code).toBe(201);
    expect((await call(token, 'GET', `${configMaps}/a`)).code).toBe(200);
    expect((await call(token, 'DELETE', `${configMaps}/a`)).code).toBe(403);
    expect((await call(token, 'GET', configMaps)).code).toBe(403);
    expect((await call(token, 'GET', '/api/v1/namespaces/other/configmaps/a')).code).toBe(403);
    expect(await review(token, { verb: 'get', group: '', resource: 'configmaps', namespace: 'shop' })).toBe(true);
    expect(await review(token, { verb: 'delete', group: '', resource: 'configmaps', namespace: 'shop' })).toBe(false);
    expect(await review(token, { verb: 'get', group: '', resource: 'configmaps', namespace: 'other' })).toBe(false);
  });

  test('a rule with names holds for these names only', async () => {
    const token = held.cluster.token('named', rules);
    const deployments = '/apis/apps/v1/namespaces/shop/deployments';

    expect((await call(token, 'GET', `${deployments}/checkout`)).code).toBe(404);
    expect((await call(token, 'GET', `${deployments}/cart`)).code).toBe(403);
    expect(
      await review(token, { verb: 'get', group: 'apps', resource: 'deployments', namespace: 'shop', name: 'checkout' }),
    ).toBe(true);
    expect(await review(token, { verb: 'get', group: 'apps', resource: 'deployments', namespace: 'shop' })).toBe(false);
  });

  test('a revoked token is nobody', async () => {
    const token = held.cluster.token('brief', rules);
    held.cluster.revokeToken(token);

    expect((await call(token, 'GET', '/api/v1/namespaces/shop/configmaps/a')).code).toBe(401);
  });
});

describe('the audit log', () => {
  test('tells who wrote what, and counts dry runs and reads as no writes', async () => {
    const { adminToken, calls } = held.cluster;
    const before = held.cluster.writes().length;
    const path = '/api/v1/namespaces/shop/configmaps';
    await call(adminToken, 'POST', `${path}?dryRun=All`, { metadata: { name: 'log' } });
    await call(adminToken, 'GET', `${path}/log`);
    await call(adminToken, 'POST', path, { metadata: { name: 'log' } });

    const writes = held.cluster.writes().slice(before);
    expect(writes).toMatchObject([
      {
        verb: 'create',
        resource: 'configmaps',
        namespace: 'shop',
        user: 'admin',
        userAgent: 'me/1',
        dryRun: false,
        code: 201,
      },
    ]);
    expect(calls.slice(-3).map(({ verb, dryRun, code }) => [verb, dryRun, code])).toEqual([
      ['create', true, 201],
      ['get', false, 404],
      ['create', false, 201],
    ]);
  });
});

describe('trouble on purpose', () => {
  const path = '/api/v1/namespaces/shop/configmaps';

  test('a fault answers as often as it was told to', async () => {
    const { adminToken, faults } = held.cluster;
    faults.push({
      matches: ({ verb }) => verb === 'create',
      answer: { kind: 'status', code: 503, reason: 'ServiceUnavailable', message: 'not now' },
      times: 1,
    });
    const first = await call(adminToken, 'POST', path, { metadata: { name: 'fault' } });
    const second = await call(adminToken, 'POST', path, { metadata: { name: 'fault' } });
    faults.length = 0;

    expect([first.code, second.code]).toEqual([503, 201]);
  });

  test('a lost answer hides a write that was done', async () => {
    const { adminToken, faults } = held.cluster;
    faults.push({ matches: ({ verb }) => verb === 'create', answer: { kind: 'lost-answer' }, times: 1 });

    await expect(call(adminToken, 'POST', path, { metadata: { name: 'hidden' } })).rejects.toThrow('fetch failed');
    expect(held.cluster.get('v1', 'ConfigMap', 'shop', 'hidden')).not.toBeNull();
  });

  test('a version that can no longer be replayed is a 410 in the watch', async () => {
    const { adminToken } = held.cluster;
    const { body } = await call(adminToken, 'GET', path);
    const version = (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
    await call(adminToken, 'POST', path, { metadata: { name: 'later' } });
    held.cluster.dropWatches({ forget: true });
    const response = await fetch(`${held.cluster.url}${path}?watch=true&resourceVersion=${version}`, {
      headers: { authorization: `Bearer ${adminToken}` },
    });

    expect(response.status).toBe(200);
    expect(JSON.parse(await response.text())).toMatchObject({
      type: 'ERROR',
      object: { code: 410, reason: 'Expired' },
    });
  });
});
