import { expect, onTestFinished, test } from 'vitest';
import { listRef, objectRef, SECRET } from '../../src/core/objects.ts';
import { startServer } from '../net/server.ts';
import { connected, kubeconfigFor } from './kubeconfig.ts';

const { signal } = new AbortController();

test('reads of names only ask for no content, and keep none of what comes', async () => {
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"KEY":"c2VzYW1l"}}' };
  const answer = {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: { name: 'keys', annotations },
    data: { KEY: 'c2VzYW1l' },
  };
  const server = await startServer(({ url }, response) => {
    const body = url?.endsWith('/keys') ? answer : { items: [answer] };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  onTestFinished(server.close);
  const cluster = connected({ kubeconfig: kubeconfigFor(server.origin) });
  const only = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' } };

  const one = await cluster.read({ ...objectRef(SECRET, 'shop', 'keys'), nameOnly: true }, signal);
  const all = await cluster.list({ ...listRef(SECRET, 'shop'), nameOnly: true }, signal);

  expect(one).toEqual({ kind: 'ok', value: only });
  expect(all).toEqual({ kind: 'ok', value: [only] });
  expect(server.requests.map(({ headers }) => headers['accept'])).toEqual([
    'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
  ]);
});
