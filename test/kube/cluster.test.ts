import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { DEPLOYMENT, listRef, objectRef, POD, type Request } from '../../src/core/objects.ts';
import { startServer } from '../net/server.ts';
import { connected, kubeconfigFor } from './kubeconfig.ts';

type Handle = (request: IncomingMessage & { readonly text: string }, response: ServerResponse) => void;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const { signal } = new AbortController();
const REF = objectRef(DEPLOYMENT, 'shop', 'checkout');
const OBJECT = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'checkout', uid: 'u1' } };

const serve = async (handle: Handle, changes: Parameters<typeof connected>[0] = {}) => {
  const server = await startServer(handle);
  closing.push(server.close);
  const cluster = connected({ kubeconfig: kubeconfigFor(server.origin), ...changes });
  return { cluster, requests: server.requests, origin: server.origin };
};

const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const status = (code: number, message: string, details: unknown = {}) => ({
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  message,
  details,
  code,
});
const patch: Request = {
  verb: 'patch',
  ref: REF,
  contentType: 'application/json-patch+json',
  body: [{ op: 'test', path: '/metadata/uid', value: 'u1' }],
};
const creation: Request = { verb: 'create', ref: REF, contentType: 'application/json', body: OBJECT };

describe('reads', () => {
  test('go to the path of the kind, with the credentials and our name', async () => {
    const { cluster, requests } = await serve((_request, response) => json(response, OBJECT));

    expect(await cluster.read(REF, signal)).toEqual({ kind: 'ok', value: OBJECT });
    expect(requests[0]).toMatchObject({
      line: 'GET /apis/apps/v1/namespaces/shop/deployments/checkout',
      headers: { authorization: 'Bearer t0k3n-s3cr3t', 'user-agent': 'canary-rollout/test' },
    });
  });

  test('of names that are no names stay in their path', async () => {
    const { cluster, requests } = await serve((_request, response) => json(response, OBJECT));

    await cluster.read(objectRef(POD, 'a/../b', 'x?y#z'), signal);

    expect(requests[0]?.line).toBe('GET /api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%23z');
  });

  test('of a list follow every page and put kind and apiVersion back', async () => {
    const { cluster, requests } = await serve((request, response) => {
      const isFirst = !request.url?.includes('continue=');
      const name = isFirst ? 'a' : 'b';
      json(response, { items: [{ metadata: { name } }], metadata: isFirst ? { continue: 'n/xt' } : {} });
    });

    const found = await cluster.list(listRef(POD, 'shop', 'app in (a,b)'), signal);

    expect(found).toEqual({
      kind: 'ok',
      value: ['a', 'b'].map((name) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } })),
    });
    expect(requests.map(({ line }) => line)).toEqual([
      'GET /api/v1/namespaces/shop/pods?labelSelector=app+in+%28a%2Cb%29&limit=500',
      'GET /api/v1/namespaces/shop/pods?labelSelector=app+in+%28a%2Cb%29&limit=500&continue=n%2Fxt',
    ]);
  });

  test('of a list begin again once when the continue token is too old', async () => {
    let tokens = 0;
    const { cluster } = await serve((request, response) => {
      if (request.url?.includes('continue=1')) json(response, status(410, 'expired'), 410);
      else {
        tokens += 1;
        json(response, { items: [{ metadata: { name: 'a' } }], metadata: tokens === 1 ? { continue: '1' } : {} });
      }
    });

    expect(await cluster.list(listRef(POD, 'shop'), signal)).toMatchObject({ kind: 'ok', value: [{ kind: 'Pod' }] });
  });

  test('are tried again after a 5xx and a broken connection', async () => {
    const { cluster, requests } = await serve((request, response) => {
      if (requests.length === 1) request.socket.destroy();
      else if (requests.length === 2) json(response, status(500, 'etcd leader changed'), 500);
      else json(response, OBJECT);
    });

    expect(await cluster.read(REF, signal)).toMatchObject({ kind: 'ok' });
    expect(requests).toHaveLength(3);
  });

  test('end when the signal fires', async () => {
    const controller = new AbortController();
    const { cluster } = await serve(() => controller.abort());

    expect(await cluster.read(REF, controller.signal)).toMatchObject({ kind: 'unreachable' });
  });

  test('end at the deadline', async () => {
    const { cluster, origin } = await serve(() => {}, {});
    const hurried = connected({ kubeconfig: kubeconfigFor(origin), deadlineMs: 50 });

    expect(await hurried.read(REF, signal)).toEqual({ kind: 'unreachable', message: `${origin}: no answer in time` });
    expect(cluster.server).toBe(origin);
  });
});

describe('writes', () => {
  test('carry field manager and strict validation, and dryRun only when asked', async () => {
    const { cluster, requests } = await serve((_request, response) => json(response, OBJECT));

    await cluster.send(creation, { dryRun: false, signal });
    await cluster.send(patch, { dryRun: true, signal });

    expect(requests.map(({ line }) => line)).toEqual([
      'POST /apis/apps/v1/namespaces/shop/deployments?fieldManager=canary-rollout&fieldValidation=Strict',
      'PATCH /apis/apps/v1/namespaces/shop/deployments/checkout?fieldManager=canary-rollout&fieldValidation=Strict&dryRun=All',
    ]);
    expect(requests.map(({ headers }) => headers['content-type'])).toEqual([
      'application/json',
      'application/json-patch+json',
    ]);
    expect(JSON.parse(requests[1]?.body ?? '')).toEqual(patch.body);
  });

  test('of a dry delete say so in the body, where the server looks', async () => {
    const { cluster, requests } = await serve((_request, response) => json(response, status(200, '')));
    const body = { preconditions: { uid: 'u1' } };

    await cluster.send({ verb: 'delete', ref: REF, contentType: 'application/json', body }, { dryRun: true, signal });

    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      preconditions: { uid: 'u1' },
      dryRun: ['All'],
    });
  });

  test.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['a 500', (_request, response) => json(response, status(500, 'no'), 500)],
    ['a 429', (_request, response) => json(response, status(429, 'no'), 429)],
    ['a broken connection', (request) => request.socket.destroy()],
  ])('are never sent again after %s', async (_name, handle) => {
    const { cluster, requests } = await serve(handle);

    expect((await cluster.send(patch, { dryRun: false, signal })).kind).not.toBe('ok');
    expect(requests).toHaveLength(1);
  });
});

describe('answers', () => {
  const REFUSED = 'the server rejected our request due to an error in our request';
  const CAUSE = { causes: [{ reason: 'FieldValueInvalid', field: 'spec.replicas', message: 'must be positive' }] };

  test.each<[string, Request, number, string, unknown, object]>([
    ['a 409', patch, 409, 'modified', {}, { kind: 'conflict' }],
    ['a 409 of a create', creation, 409, 'already exists', {}, { kind: 'conflict' }],
    ['a failed test, 422 with empty details,', patch, 422, REFUSED, {}, { kind: 'conflict' }],
    ['a failed test in other words', patch, 422, 'testing value /metadata/uid failed', undefined, { kind: 'conflict' }],
    [
      'a 422 with causes',
      patch,
      422,
      'invalid',
      CAUSE,
      { kind: 'invalid', causes: [{ field: 'spec.replicas', message: 'must be positive' }] },
    ],
    ['a 422 of a webhook', patch, 422, 'admission webhook "x" denied the request', {}, { kind: 'invalid' }],
    ['a 422 of a create', creation, 422, REFUSED, {}, { kind: 'invalid' }],
    ['a 404', patch, 404, 'not found', {}, { kind: 'missing' }],
    ['a 403', patch, 403, 'may not patch', {}, { kind: 'forbidden', message: 'may not patch' }],
    ['a 400', creation, 400, 'strict decoding error: unknown field "spec.x"', {}, { kind: 'invalid' }],
    ['a 401', patch, 401, 'Unauthorized', {}, { kind: 'unauthorised' }],
    ['a 502', patch, 502, 'bad gateway', {}, { kind: 'unreachable' }],
    ['a 307', patch, 307, '', {}, { kind: 'unreachable', message: expect.stringContaining('not followed') }],
  ])('%s is told apart', async (_name, request, code, message, details, expected) => {
    const { cluster } = await serve((_request, response) => json(response, status(code, message, details), code));

    expect(await cluster.send(request, { dryRun: false, signal })).toMatchObject(expected);
  });

  test.each([429, 503])('a %s with Retry-After is throttled, with the time to wait', async (code) => {
    const { cluster } = await serve((_request, response) => {
      response.setHeader('retry-after', '5');
      json(response, status(code, 'slow down'), code);
    });

    expect(await cluster.send(patch, { dryRun: false, signal })).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 5_000,
    });
  });

  test('that are no JSON are not taken for an API server', async () => {
    const { cluster } = await serve((_request, response) => response.end('<html>Log in</html>'));

    expect(await cluster.read(REF, signal)).toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('not a Kubernetes API server'),
    });
  });

  test('that repeat the token do not bring it into messages', async () => {
    const { cluster } = await serve((request, response) =>
      json(response, status(403, `no: ${request.headers.authorization}`), 403),
    );

    const answer = await cluster.read(REF, signal);

    expect(answer).toEqual({ kind: 'forbidden', message: 'no: Bearer ***' });
  });

  test('do not come from a server that is not there', async () => {
    const cluster = connected({ kubeconfig: kubeconfigFor('http://127.0.0.1:1') });

    expect(await cluster.send(patch, { dryRun: false, signal })).toMatchObject({
      kind: 'unreachable',
      message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/),
    });
  });
});

describe('watches', () => {
  test('give events until the server ends them', async () => {
    const { cluster, requests } = await serve((_request, response) => {
      response.write(`${JSON.stringify({ type: 'ADDED', object: OBJECT })}\n{"type":"MODI`);
      response.end(`FIED","object":${JSON.stringify(OBJECT)}}\n`);
    });
    const types: string[] = [];

    for await (const event of cluster.watch(listRef(DEPLOYMENT, 'shop', 'a=b'), signal)) types.push(event.type);

    expect(types).toEqual(['ADDED', 'MODIFIED']);
    expect(requests[0]?.line).toContain('/deployments?labelSelector=a%3Db&watch=1');
  });

  test('of one name, as lists, say so to the server', async () => {
    const { cluster, requests } = await serve((_request, response) => json(response, { items: [] }));
    const one = { ...listRef(DEPLOYMENT, 'shop'), fieldSelector: 'metadata.name=checkout' };

    for await (const _event of cluster.watch(one, signal));
    await cluster.list({ ...one, namespace: '' }, signal);

    expect(requests.map(({ line }) => line.replace(/&timeoutSeconds=\d+/, ''))).toEqual([
      'GET /apis/apps/v1/namespaces/shop/deployments?fieldSelector=metadata.name%3Dcheckout&watch=1',
      'GET /apis/apps/v1/deployments?fieldSelector=metadata.name%3Dcheckout&limit=500',
    ]);
  });

  test.each<[string, Handle]>([
    [
      'an error event',
      (_request, response) => response.end(`${JSON.stringify({ type: 'ERROR', object: status(410, 'old') })}\n`),
    ],
    ['a refusal', (_request, response) => json(response, status(403, 'no'), 403)],
    ['a broken connection', (request) => request.socket.destroy()],
  ])('end quietly with %s', async (_name, handle) => {
    const { cluster } = await serve(handle);
    const events: unknown[] = [];

    for await (const event of cluster.watch(listRef(DEPLOYMENT, 'shop'), signal)) events.push(event);

    expect(events).toEqual([]);
  });

  test('end when the signal fires', async () => {
    const controller = new AbortController();
    const { cluster } = await serve((_request, response) => {
      response.write(`${JSON.stringify({ type: 'ADDED', object: OBJECT })}\n`);
    });
    let events = 0;

    for await (const _event of cluster.watch(listRef(DEPLOYMENT, 'shop'), controller.signal)) {
      events += 1;
      controller.abort();
    }

    expect(events).toBe(1);
  });
});

describe('rights, discovery, logs and the service proxy', () => {
  test('rights are asked one by one and answered in order', async () => {
    const { cluster, requests } = await serve((request, response) => {
      const { resource } = JSON.parse(request.text).spec.resourceAttributes;
      json(response, { status: { allowed: resource === 'pods' } }, 201);
    });
    const question = { verb: 'get', group: '', namespace: 'shop', name: null };

    const answers = await cluster.can(
      [
        { ...question, resource: 'pods/log' },
        { ...question, resource: 'secrets' },
      ],
      signal,
    );

    expect(answers).toEqual({ kind: 'ok', value: [true, false] });
    const asked = requests.map(({ body }) => JSON.parse(body).spec.resourceAttributes);
    expect(asked).toContainEqual({ verb: 'get', group: '', resource: 'pods', subresource: 'log', namespace: 'shop' });
  });

  test('reviews change nothing, and are asked again when the server is busy for a moment', async () => {
    const { cluster, requests } = await serve((_request, response) => {
      if (requests.length === 1) response.writeHead(429, { 'retry-after': '0' }).end();
      else json(response, { status: { allowed: true } }, 201);
    });
    const question = { verb: 'get', group: '', resource: 'pods', namespace: 'shop', name: null };

    expect(await cluster.can([question], signal)).toEqual({ kind: 'ok', value: [true] });
    expect(requests).toHaveLength(2);
  });

  test('discovery gives the versions that serve the kind, the preferred one first', async () => {
    const { cluster } = await serve((request, response) => {
      const versions = ['g/v2', 'g/v1beta1', 'g/v1'].map((groupVersion) => ({ groupVersion }));
      if (request.url === '/apis/g') json(response, { versions, preferredVersion: { groupVersion: 'g/v1' } });
      else json(response, { resources: request.url === '/apis/g/v2' ? [] : [{ name: 'things' }] });
    });

    const found = await cluster.discover({ apiVersion: 'g/v1', plural: 'things' }, signal);

    expect(found).toEqual({ kind: 'ok', value: ['g/v1', 'g/v1beta1'] });
  });

  test('discovery of a group that is not there gives nothing', async () => {
    const { cluster } = await serve((_request, response) => response.writeHead(404).end('404 page not found'));

    expect(await cluster.discover({ apiVersion: 'g/v1', plural: 'things' }, signal)).toEqual({ kind: 'ok', value: [] });
  });

  test('logs are the last lines of a container', async () => {
    const { cluster, requests } = await serve((_request, response) => response.end('one\ntwo\n'));

    const logs = await cluster.logs(objectRef(POD, 'shop', 'p-1'), 'app', 20, true, signal);

    expect(logs).toEqual({ kind: 'ok', value: 'one\ntwo\n' });
    expect(requests[0]?.line).toBe(
      'GET /api/v1/namespaces/shop/pods/p-1/log?container=app&tailLines=20&previous=true&limitBytes=65536',
    );
  });

  const SERVICE = { namespace: 'monitoring', name: 'prometheus', port: '9090' };

  test('the proxy gives what the Service answers, errors too', async () => {
    const kinds: string[] = [];
    const { cluster, requests } = await serve(
      (_request, response) => response.writeHead(400).end('{"status":"error"}'),
      {},
    );
    const counting = connected({ kubeconfig: kubeconfigFor(cluster.server), onRequest: (kind) => kinds.push(kind) });

    const answer = await counting.proxy(SERVICE, '/api/v1/query?query=up', signal);

    expect(answer).toMatchObject({ kind: 'ok', value: { status: 400, body: '{"status":"error"}' } });
    expect(requests[0]?.line).toBe(
      'GET /api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query=up',
    );
    expect(kinds).toEqual(['proxied']);
  });

  test('the proxy tells when the API server did not get through', async () => {
    const { cluster } = await serve((_request, response) => json(response, status(403, 'services/proxy: no'), 403));

    expect(await cluster.proxy(SERVICE, '/', signal)).toEqual({ kind: 'forbidden', message: 'services/proxy: no' });
  });
});
