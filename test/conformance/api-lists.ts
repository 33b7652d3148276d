import { beforeAll, expect, test } from 'vitest';
import type { ApiClient, Tree } from './api-client.ts';
import { at, route } from './api-client.ts';

interface Context {
  client: ApiClient;
  path: string;
}

const namesIn = (body: Tree): unknown[] => {
  const items = at(body, 'items');
  return Array.isArray(items) ? items.map((item) => at(item, 'metadata', 'name')) : [];
};

const typesIn = (events: readonly Tree[]): unknown[] =>
  events
    .filter((event) => at(event, 'type') !== 'BOOKMARK')
    .map((event) => [at(event, 'type'), at(event, 'object', 'metadata', 'name')]);

const selectors = (context: Context): void => {
  const listed = async (query: string): Promise<unknown[]> =>
    namesIn((await context.client.get(`${context.path}?labelSelector=${encodeURIComponent(query)}`)).body);

  test.each([
    ['set=list', ['one', 'three', 'two']],
    ['set=list,app=a', ['one']],
    ['set==list,app!=a', ['three', 'two']],
    ['set=list,app in (a,b)', ['one', 'two']],
    ['set=list,app in (a, b),tier', ['two']],
    ['set=list,app notin (a,b)', ['three']],
    ['set=list,!tier', ['one', 'three']],
    ['set=none', []],
  ])('the selector %s finds %j', async (query, names) => {
    expect(await listed(query)).toEqual(names);
  });

  test('a selector that is none is a 400', async () => {
    const { code, body } = await context.client.get(`${context.path}?labelSelector=${encodeURIComponent('a in (')}`);

    expect(code).toBe(400);
    expect(body).toMatchObject({ kind: 'Status', reason: 'BadRequest', code: 400 });
  });

  test('a field selector finds one name', async () => {
    const { body } = await context.client.get(`${context.path}?fieldSelector=metadata.name%3Dtwo`);

    expect(namesIn(body)).toEqual(['two']);
  });

  test('an unknown field selector is a 400', async () => {
    expect((await context.client.get(`${context.path}?fieldSelector=data.x%3D1`)).code).toBe(400);
  });
};

const lists = (context: Context): void => {
  test('a list has a version, and its items no kind', async () => {
    const { body } = await context.client.get(`${context.path}?labelSelector=set%3Dlist`);

    expect(body).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' });
    expect(at(body, 'metadata', 'resourceVersion')).toMatch(/^\d+$/);
    expect(at(body, 'items', 0, 'kind')).toBeUndefined();
  });

  test('the items of a list of custom resources have a kind', async () => {
    const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${context.client.namespace}/httproutes`;
    await context.client.post(routes, route('listed', [{ backendRefs: [{ name: 'stable', port: 80 }] }]));
    const { body } = await context.client.get(`${routes}?fieldSelector=metadata.name%3Dlisted`);

    expect(at(body, 'kind')).toBe('HTTPRouteList');
    expect(at(body, 'items', 0)).toMatchObject({ kind: 'HTTPRoute', apiVersion: 'gateway.networking.k8s.io/v1' });
  });

  test('a limited list continues where it stopped', async () => {
    const first = await context.client.get(`${context.path}?labelSelector=set%3Dlist&limit=2`);
    const token = encodeURIComponent(String(at(first.body, 'metadata', 'continue')));
    const second = await context.client.get(`${context.path}?labelSelector=set%3Dlist&limit=2&continue=${token}`);

    expect(namesIn(first.body)).toEqual(['one', 'three']);
    expect(namesIn(second.body)).toEqual(['two']);
    expect(at(second.body, 'metadata', 'continue') ?? '').toBe('');
  });

  test('a list in a namespace that does not exist is empty', async () => {
    const { code, body } = await context.client.get('/api/v1/namespaces/no-such/configmaps');

    expect([code, namesIn(body)]).toEqual([200, []]);
  });
};

const watches = (context: Context): void => {
  test('a watch from a version tells what happened since, in order', async () => {
    const query = 'labelSelector=set%3Dwatch';
    const { body } = await context.client.get(`${context.path}?${query}`);
    const version = at(body, 'metadata', 'resourceVersion');
    await context.client.post(context.path, { metadata: { name: 'seen', labels: { set: 'watch' } } });
    await context.client.post(context.path, { metadata: { name: 'unseen', labels: { set: 'other' } } });
    await context.client.mergePatch(`${context.path}/seen`, { data: { k: 'v' } });
    await context.client.delete(`${context.path}/seen`);

    const watch = `${context.path}?watch=true&${query}&resourceVersion=${version}&timeoutSeconds=5`;
    const events = await context.client.watch(watch, (all) => all.length >= 3);

    expect(typesIn(events)).toEqual([
      ['ADDED', 'seen'],
      ['MODIFIED', 'seen'],
      ['DELETED', 'seen'],
    ]);
    expect(at(events[1], 'object')).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { k: 'v' } });
  });

  test('an object that stops matching is deleted for the watcher, one that starts is added', async () => {
    const { body } = await context.client.post(context.path, { metadata: { name: 'moving', labels: { set: 'here' } } });
    const version = at(body, 'metadata', 'resourceVersion');
    await context.client.mergePatch(`${context.path}/moving`, { metadata: { labels: { set: 'there' } } });
    await context.client.mergePatch(`${context.path}/moving`, { metadata: { labels: { set: 'here' } } });

    const watch = `${context.path}?watch=true&labelSelector=set%3Dhere&resourceVersion=${version}&timeoutSeconds=5`;
    const events = await context.client.watch(watch, (all) => all.length >= 2);

    expect(typesIn(events)).toEqual([
      ['DELETED', 'moving'],
      ['ADDED', 'moving'],
    ]);
  });

  test('a watch without a version begins with what is there', async () => {
    const watch = `${context.path}?watch=true&labelSelector=set%3Dlist&timeoutSeconds=5`;
    const events = await context.client.watch(watch, (all) => all.length >= 3);

    expect(typesIn(events).toSorted()).toEqual([
      ['ADDED', 'one'],
      ['ADDED', 'three'],
      ['ADDED', 'two'],
    ]);
  });

  test('a watch ends after its time', async () => {
    const watch = `${context.path}?watch=true&labelSelector=set%3Dnobody&timeoutSeconds=1`;

    expect(typesIn(await context.client.watch(watch, () => false, 20_000))).toEqual([]);
  });
};

export const listAndWatchRules = (connect: () => Promise<ApiClient>): void => {
  const context = {} as Context;
  beforeAll(async () => {
    context.client = await connect();
    context.path = `/api/v1/namespaces/${context.client.namespace}/configmaps`;
    const labels = { one: { app: 'a' }, two: { app: 'b', tier: 'web' }, three: {} };
    for (const [name, own] of Object.entries(labels))
      await context.client.post(context.path, { metadata: { name, labels: { set: 'list', ...own } } });
  });
  selectors(context);
  lists(context);
  watches(context);
};
