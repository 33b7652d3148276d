import { beforeAll, expect, test } from 'vitest';
import type { ApiClient, Reply } from './api-client.ts';
import { at, failure } from './api-client.ts';

const REJECTED = failure(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
const SUBDOMAIN = /a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters/;

interface Context {
  client: ApiClient;
  path: string;
}

const creation = (context: Context): void => {
  const create = (body: object, query = ''): Promise<Reply> => context.client.post(`${context.path}${query}`, body);

  test('a creation answers 201 with what the server owns', async () => {
    const { code, body } = await create({ metadata: { name: 'new', labels: { a: 'b' } }, data: { k: 'v' } });

    expect(code).toBe(201);
    expect(body).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { k: 'v' } });
    expect(at(body, 'metadata')).toMatchObject({
      name: 'new',
      namespace: context.client.namespace,
      labels: { a: 'b' },
    });
    expect(at(body, 'metadata', 'uid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(at(body, 'metadata', 'resourceVersion')).toMatch(/^\d+$/);
    expect(at(body, 'metadata', 'creationTimestamp')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(at(body, 'metadata', 'generation')).toBeUndefined();
  });

  test('an object that exists is a 409 AlreadyExists', async () => {
    await create({ metadata: { name: 'twice' } });
    const { body } = await create({ metadata: { name: 'twice' } });

    const details = { name: 'twice', kind: 'configmaps' };
    expect(body).toEqual(failure(409, 'AlreadyExists', 'configmaps "twice" already exists', details));
  });

  test('a generated name is completed by five characters', async () => {
    const { body } = await create({ metadata: { generateName: 'some-' } });

    expect(at(body, 'metadata', 'name')).toMatch(/^some-[a-z0-9]{5}$/);
  });

  test('a name that is none is a 422 with its cause', async () => {
    const { code, body } = await create({ metadata: { name: 'A_b' } });

    expect(code).toBe(422);
    expect(body).toMatchObject({ reason: 'Invalid', details: { name: 'A_b', kind: 'ConfigMap' } });
    expect(at(body, 'message')).toMatch(/^ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": /);
    expect(at(body, 'details', 'causes')).toEqual([
      { reason: 'FieldValueInvalid', field: 'metadata.name', message: expect.stringMatching(SUBDOMAIN) },
    ]);
  });

  test('a missing name is a 422 with its cause', async () => {
    const { body } = await create({ metadata: {} });

    const message = 'Required value: name or generateName is required';
    const causes = [{ reason: 'FieldValueRequired', message, field: 'metadata.name' }];
    const details = { kind: 'ConfigMap', causes };
    expect(body).toEqual(failure(422, 'Invalid', `ConfigMap "" is invalid: metadata.name: ${message}`, details));
  });

  test('a label value of more than 63 characters is a 422 with its cause', async () => {
    const value = 'a'.repeat(64);
    const { body } = await create({ metadata: { name: 'long', labels: { l: value } } });

    const message = `Invalid value: "${value}": must be no more than 63 bytes`;
    const details = {
      name: 'long',
      kind: 'ConfigMap',
      causes: [{ reason: 'FieldValueInvalid', message, field: 'metadata.labels' }],
    };
    expect(body).toEqual(failure(422, 'Invalid', `ConfigMap "long" is invalid: metadata.labels: ${message}`, details));
  });

  test('a creation in a namespace that does not exist is a 404 of the namespace', async () => {
    const { body } = await context.client.post('/api/v1/namespaces/no-such/configmaps', { metadata: { name: 'a' } });

    const details = { name: 'no-such', kind: 'namespaces' };
    expect(body).toEqual(failure(404, 'NotFound', 'namespaces "no-such" not found', details));
  });

  test('an unknown field is dropped, and refused under strict validation', async () => {
    const lenient = await create({ metadata: { name: 'lenient' }, bogus: 1 });
    const strict = await create({ metadata: { name: 'strict' }, bogus: 1 }, '?fieldValidation=Strict');

    expect(lenient.code).toBe(201);
    expect(at(lenient.body, 'bogus')).toBeUndefined();
    const message =
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "bogus"';
    expect(strict.body).toEqual(failure(400, 'BadRequest', message));
  });

  test('a dry run answers like the creation and leaves nothing', async () => {
    const dry = await create({ metadata: { name: 'dry' } }, '?dryRun=All');

    expect(dry.code).toBe(201);
    expect(at(dry.body, 'metadata', 'uid')).toBeDefined();
    expect((await context.client.get(`${context.path}/dry`)).code).toBe(404);
  });

  test('a dry run of something that exists is a 409 too', async () => {
    await create({ metadata: { name: 'there' } });

    expect((await create({ metadata: { name: 'there' } }, '?dryRun=All')).code).toBe(409);
  });
};

const jsonPatches = (context: Context): void => {
  const made = async (name: string): Promise<Reply> =>
    context.client.post(context.path, { metadata: { name, labels: { 'a/b': '1' } }, data: { k: 'v', list: '[]' } });
  const patch = (name: string, operations: unknown, query = ''): Promise<Reply> =>
    context.client.jsonPatch(`${context.path}/${name}${query}`, operations);

  test('a JSON Patch whose tests hold is applied as a whole', async () => {
    const { body: before } = await made('patched');
    const { code, body } = await patch('patched', [
      { op: 'test', path: '/metadata/uid', value: at(before, 'metadata', 'uid') },
      { op: 'test', path: '/metadata/labels/a~1b', value: '1' },
      { op: 'test', path: '/metadata/annotations', value: null },
      { op: 'replace', path: '/data/k', value: 'w' },
      { op: 'add', path: '/data/new', value: 'x' },
      { op: 'remove', path: '/data/list' },
    ]);

    expect(code).toBe(200);
    expect(at(body, 'data')).toEqual({ k: 'w', new: 'x' });
    expect(at(body, 'metadata', 'resourceVersion')).not.toBe(at(before, 'metadata', 'resourceVersion'));
  });

  test.each([
    ['a test that fails', [{ op: 'test', path: '/data/k', value: 'other' }]],
    ['a test of a member that is missing', [{ op: 'test', path: '/data/nope', value: 'x' }]],
    ['a test below a parent that is missing', [{ op: 'test', path: '/metadata/annotations/x', value: null }]],
    ['the removal of a member that is missing', [{ op: 'remove', path: '/data/nope' }]],
    ['the replacement of an item that is missing', [{ op: 'replace', path: '/metadata/labels/0/x', value: 'x' }]],
    ['an addition below a parent that is missing', [{ op: 'add', path: '/metadata/annotations/x', value: '1' }]],
    ['an operation that is none', [{ op: 'bogus', path: '/data/k' }]],
  ])('%s is a 422 with empty details and changes nothing', async (what, operations) => {
    const name = what.replaceAll(/[^a-z]+/gi, '-').toLowerCase();
    await made(name);
    const { body } = await patch(name, [{ op: 'replace', path: '/data/list', value: 'changed' }, ...operations]);

    expect(body).toEqual(REJECTED);
    expect(at((await context.client.get(`${context.path}/${name}`)).body, 'data', 'list')).toBe('[]');
  });

  test('a replacement of a member that is missing adds it, so that only a test can guard', async () => {
    await made('replacing');
    const { body } = await patch('replacing', [{ op: 'replace', path: '/data/nope', value: 'x' }]);

    expect(at(body, 'data', 'nope')).toBe('x');
  });

  test('a failed test is the same 422 in a dry run', async () => {
    await made('dry-test');

    expect((await patch('dry-test', [{ op: 'test', path: '/data/k', value: 'x' }], '?dryRun=All')).body).toEqual(
      REJECTED,
    );
  });

  test('a dry run shows the change and keeps the version', async () => {
    const { body: before } = await made('dry-patch');
    const { body } = await patch('dry-patch', [{ op: 'replace', path: '/data/k', value: 'w' }], '?dryRun=All');
    const { body: after } = await context.client.get(`${context.path}/dry-patch`);

    expect(at(body, 'data', 'k')).toBe('w');
    expect(at(body, 'metadata', 'resourceVersion')).toBe(at(before, 'metadata', 'resourceVersion'));
    expect(after).toEqual(before);
  });

  test('a patch that changes nothing keeps the version', async () => {
    const { body: before } = await made('same');
    const { body } = await patch('same', [{ op: 'replace', path: '/data/k', value: 'v' }]);

    expect(at(body, 'metadata', 'resourceVersion')).toBe(at(before, 'metadata', 'resourceVersion'));
  });

  test('a patch of what does not exist is a 404', async () => {
    const { body } = await patch('absent', [{ op: 'add', path: '/data/k', value: '1' }]);

    const details = { name: 'absent', kind: 'configmaps' };
    expect(body).toEqual(failure(404, 'NotFound', 'configmaps "absent" not found', details));
  });

  test('a patch that is no list is a 400, another content type a 415', async () => {
    await made('odd');

    expect((await patch('odd', { data: {} })).code).toBe(400);
    expect((await context.client.patchAs('text/plain', `${context.path}/odd`, '[]')).code).toBe(415);
  });

  test('the field manager is recorded', async () => {
    await made('managed');
    const { body } = await patch('managed', [{ op: 'replace', path: '/data/k', value: 'w' }], '?fieldManager=somebody');

    expect(at(body, 'metadata', 'managedFields')).toContainEqual(
      expect.objectContaining({ manager: 'somebody', operation: 'Update' }),
    );
  });

  test('a dry run that is no dry run is a 422', async () => {
    await made('half-dry');
    const { code, body } = await patch('half-dry', [], '?dryRun=Maybe');

    expect(code).toBe(422);
    expect(at(body, 'details', 'causes', 0, 'field')).toBe('dryRun');
  });
};

const replacements = (context: Context): void => {
  const made = (name: string): Promise<Reply> =>
    context.client.post(context.path, { metadata: { name, annotations: { x: '1', y: '2' } }, data: { k: 'v' } });
  const conflict = (name: string): object =>
    failure(
      409,
      'Conflict',
      `Operation cannot be fulfilled on configmaps "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      { name, kind: 'configmaps' },
    );

  test('a merge patch merges, and null removes', async () => {
    await made('merged');
    const { body } = await context.client.mergePatch(`${context.path}/merged`, {
      metadata: { annotations: { x: null, z: '3' } },
    });

    expect(at(body, 'metadata', 'annotations')).toEqual({ y: '2', z: '3' });
    expect(at(body, 'data')).toEqual({ k: 'v' });
  });

  test('an old version in a merge patch or a replacement is a 409 Conflict', async () => {
    await made('old');
    const stale = { metadata: { name: 'old', resourceVersion: '1' }, data: { k: 'w' } };

    expect((await context.client.mergePatch(`${context.path}/old`, stale)).body).toEqual(conflict('old'));
    expect((await context.client.put(`${context.path}/old`, stale)).body).toEqual(conflict('old'));
  });

  test('a replacement replaces the whole and keeps the uid', async () => {
    const { body: before } = await made('replaced');
    const { code, body } = await context.client.put(`${context.path}/replaced`, {
      metadata: { name: 'replaced', resourceVersion: at(before, 'metadata', 'resourceVersion') },
      data: { other: '1' },
    });

    expect(code).toBe(200);
    expect(at(body, 'data')).toEqual({ other: '1' });
    expect(at(body, 'metadata', 'annotations')).toBeUndefined();
    expect(at(body, 'metadata', 'uid')).toBe(at(before, 'metadata', 'uid'));
  });

  test('another name than the URL names is a 400', async () => {
    await made('url');
    const message = 'the name of the object (other) does not match the name on the URL (url)';

    const { body } = await context.client.put(`${context.path}/url`, { metadata: { name: 'other' } });

    expect(body).toEqual(failure(400, 'BadRequest', message));
  });

  test('a uid cannot be changed', async () => {
    await made('uid');
    const { code, body } = await context.client.mergePatch(`${context.path}/uid`, { metadata: { uid: 'other' } });

    expect(code).toBe(422);
    expect(at(body, 'details', 'causes', 0)).toEqual({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: "other": field is immutable',
      field: 'metadata.uid',
    });
  });
};

const deletions = (context: Context): void => {
  const made = (name: string): Promise<Reply> => context.client.post(context.path, { metadata: { name } });
  const remove = (name: string, options?: object, query = ''): Promise<Reply> =>
    context.client.delete(`${context.path}/${name}${query}`, options);

  test('a deletion answers with a Status that names the object, and then it is gone', async () => {
    const { body: before } = await made('gone');
    const { code, body } = await remove('gone');

    const details = { name: 'gone', kind: 'configmaps', uid: at(before, 'metadata', 'uid') };
    expect(code).toBe(200);
    expect(body).toEqual({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
    expect((await context.client.get(`${context.path}/gone`)).code).toBe(404);
  });

  test('a deletion of what does not exist is a 404', async () => {
    const { body } = await remove('never');

    const details = { name: 'never', kind: 'configmaps' };
    expect(body).toEqual(failure(404, 'NotFound', 'configmaps "never" not found', details));
  });

  test('preconditions that do not hold are a 409 and delete nothing', async () => {
    const { body: before } = await made('guarded');
    const uid = at(before, 'metadata', 'uid');
    const version = at(before, 'metadata', 'resourceVersion');
    const byUid = await remove('guarded', { preconditions: { uid: 'other' } });
    const byVersion = await remove('guarded', { preconditions: { uid, resourceVersion: '1' } });

    const prefix = 'Operation cannot be fulfilled on ConfigMap "guarded": the';
    const details = { name: 'guarded', kind: 'ConfigMap' };
    const uidMessage = `${prefix} UID in the precondition (other) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    const versionMessage = `${prefix} ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${version}). The object might have been modified`;
    expect(byUid.body).toEqual(failure(409, 'Conflict', uidMessage, details));
    expect(byVersion.body).toEqual(failure(409, 'Conflict', versionMessage, details));
    expect((await context.client.get(`${context.path}/guarded`)).code).toBe(200);
  });

  test('preconditions that hold let the deletion through', async () => {
    const { body } = await made('matching');
    const preconditions = {
      uid: at(body, 'metadata', 'uid'),
      resourceVersion: at(body, 'metadata', 'resourceVersion'),
    };

    expect((await remove('matching', { preconditions })).code).toBe(200);
  });

  test('a dry run of a deletion, asked for in its options, leaves the object', async () => {
    await made('kept');

    expect((await remove('kept', { dryRun: ['All'] })).code).toBe(200);
    expect((await context.client.get(`${context.path}/kept`)).code).toBe(200);
  });

  test('a dry run asked for in the query is not seen beside options: the object is deleted', async () => {
    await made('not-kept');

    expect((await remove('not-kept', { propagationPolicy: 'Background' }, '?dryRun=All')).code).toBe(200);
    expect((await context.client.get(`${context.path}/not-kept`)).code).toBe(404);
  });

  test('a foreground deletion marks the object and leaves it to its finalizer', async () => {
    await made('foreground');
    const { code, body } = await remove('foreground', { propagationPolicy: 'Foreground' });

    expect(code).toBe(200);
    expect(at(body, 'kind')).toBe('ConfigMap');
    expect(at(body, 'metadata', 'finalizers')).toEqual(['foregroundDeletion']);
    expect(at(body, 'metadata', 'deletionTimestamp')).toBeDefined();
    expect(at(body, 'metadata', 'deletionGracePeriodSeconds')).toBe(0);
  });

  test('an object with a finalizer stays, marked, until the finalizer is removed', async () => {
    await context.client.post(context.path, { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
    const { body } = await remove('held');
    const released = await context.client.mergePatch(`${context.path}/held`, { metadata: { finalizers: null } });

    expect(at(body, 'metadata', 'deletionTimestamp')).toBeDefined();
    expect(released.code).toBe(200);
    expect((await context.client.get(`${context.path}/held`)).code).toBe(404);
  });
};

export const writeRules = (connect: () => Promise<ApiClient>): void => {
  const context = {} as Context;
  beforeAll(async () => {
    context.client = await connect();
    context.path = `/api/v1/namespaces/${context.client.namespace}/configmaps`;
  });
  creation(context);
  jsonPatches(context);
  replacements(context);
  deletions(context);
};
