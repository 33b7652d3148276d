import { beforeAll, expect, test } from 'vitest';
import type { ApiClient, Entrance, Tree } from './api-client.ts';
import { apiClient, at, failure } from './api-client.ts';

interface Context {
  admin: ApiClient;
  /** May get, list and watch the ConfigMap `mine`, by its name. */
  limited: ApiClient;
  path: string;
}

const namesIn = (events: readonly Tree[]): unknown[] =>
  events
    .filter((event) => at(event, 'type') !== 'BOOKMARK')
    .map((event) => [at(event, 'type'), at(event, 'object', 'metadata', 'name')]);

const MINE = 'fieldSelector=metadata.name%3Dmine';

/**
 * RBAC's resourceNames hold for lists and watches that select one name:
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources
 */
export const namedRights = (connect: () => Promise<Entrance>): void => {
  const context = {} as Context;
  beforeAll(async () => {
    const entrance = await connect();
    const rule = { apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'] };
    const token = await entrance.grant([{ ...rule, verbs: ['get', 'list', 'watch', 'patch'] }]);
    context.admin = apiClient(entrance);
    context.limited = apiClient({ ...entrance, headers: { authorization: `Bearer ${token}` } });
    context.path = `/api/v1/namespaces/${entrance.namespace}/configmaps`;
    await context.admin.post(context.path, { metadata: { name: 'other' } });
    await context.admin.post(context.path, { metadata: { name: 'mine' } });
  });

  test('are enough to list one name', async () => {
    const { code, body } = await context.limited.get(`${context.path}?${MINE}`);

    expect([code, at(body, 'items', 0, 'metadata', 'name')]).toEqual([200, 'mine']);
    expect(at(body, 'items')).toHaveLength(1);
  });

  test('are enough to watch one name, and nothing else is told', async () => {
    const watching = context.limited.watch(
      `${context.path}?watch=1&${MINE}&timeoutSeconds=10`,
      (events) => events.length >= 2,
      10_000,
    );
    await context.admin.mergePatch(`${context.path}/other`, { data: { k: '1' } });
    // The watch may begin after the first of these, with what is there then.
    for (let change = 0; change < 50; change += 1) {
      await context.admin.mergePatch(`${context.path}/mine`, { data: { k: String(change) } });
    }
    const events = await watching;

    expect(namesIn(events.slice(0, 2))).toEqual([
      ['ADDED', 'mine'],
      ['MODIFIED', 'mine'],
    ]);
  });

  test.each([
    ['a list of all', '', 'list', ''],
    ['a watch of all', '?watch=1', 'watch', ''],
    ['a list of another name', '?fieldSelector=metadata.name%3Dother', 'list', 'other'],
    ['a watch of another name', '?watch=1&fieldSelector=metadata.name%3Dother', 'watch', 'other'],
  ])('do not allow %s', async (_what, query, verb, name) => {
    const { body } = await context.limited.get(`${context.path}${query}`);

    const message = String(at(body, 'message'));
    expect(message).toContain(`configmaps${name === '' ? '' : ` "${name}"`} is forbidden: `);
    expect(message).toContain(`cannot ${verb} resource "configmaps" in API group ""`);
    const details = { ...(name === '' ? {} : { name }), kind: 'configmaps' };
    expect(body).toEqual(failure(403, 'Forbidden', message, details));
  });

  test('are told by an access review that names the object, and by none that does not', async () => {
    const review = async (name: string | null): Promise<unknown> => {
      const attributes = { verb: 'watch', group: '', resource: 'configmaps', namespace: context.limited.namespace };
      const { body } = await context.limited.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { ...attributes, ...(name === null ? {} : { name }) } },
      });
      return at(body, 'status', 'allowed');
    };

    expect([await review('mine'), await review('other'), await review(null)]).toEqual([true, false, false]);
  });
};
