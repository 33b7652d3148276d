import fs from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { at, textAt } from './json.ts';
import { collectionOf } from './kinds.ts';
import { paths } from './kube.ts';
import { namespaceObject } from './objects.ts';
import type { Context } from './shop.ts';

export interface Injected {
  /** The namespace in which pods are changed, and the labels of those that are; {}: all of them. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** JSON Patch on each pod; its first value has a name. */
  readonly patch: readonly object[];
}

const readBody = async (request: AsyncIterable<Buffer>): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
};

const review = (body: string, patch: readonly object[]): string => {
  const uid = textAt(JSON.parse(body), 'request', 'uid');
  const answer = Buffer.from(JSON.stringify(patch)).toString('base64');
  const response = { uid, allowed: true, patchType: 'JSONPatch', patch: answer };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
};

/** A namespace that is there before the one of the case. */
const probeOf = (namespace: string): string => `${namespace}-probe`;

const registration = ({ namespace, labels }: Injected, port: number, certificate: string): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name: namespace },
  webhooks: [
    {
      name: 'inject.example.com',
      clientConfig: { url: `https://127.0.0.1:${port}/inject`, caBundle: Buffer.from(certificate).toString('base64') },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
      namespaceSelector: {
        matchExpressions: [
          { key: 'kubernetes.io/metadata.name', operator: 'In', values: [namespace, probeOf(namespace)] },
        ],
      },
      objectSelector: { matchLabels: labels },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    },
  ],
});

/**
 * A mutating webhook as a mesh has one, with the API server's own certificate, which is good for 127.0.0.1. Resolves with
 * the way to end it.
 */
export const startInjector = async (context: Context, injected: Injected): Promise<() => Promise<void>> => {
  const { kube, stack } = context;
  const key = fs.readFileSync(join(stack.folders.run, 'certs/apiserver.key'), 'utf8');
  const server = https.createServer({ key, cert: stack.certificate }, (request, response) => {
    void readBody(request).then((body) => {
      response.setHeader('content-type', 'application/json');
      response.end(review(body, injected.patch));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const path = collectionOf('MutatingWebhookConfiguration', '');
  const probe = probeOf(injected.namespace);
  await kube.create(paths.namespaces(), namespaceObject(probe));
  await kube.create(path, registration(injected, port, stack.certificate));
  await kube.until('the webhook to answer', () => isChanged(context, probe, injected));
  return async () => {
    await kube.call('DELETE', `${path}/${injected.namespace}`);
    await kube.call('DELETE', `${paths.namespaces()}/${probe}`);
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
};

/** The API server takes a moment to know of it, and the namespace another to have its service account. */
const isChanged = async ({ kube }: Context, namespace: string, { labels, patch }: Injected): Promise<boolean> => {
  const { status, body } = await kube.call('POST', `${paths.pods(namespace)}?dryRun=All`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe', labels },
    spec: { containers: [{ name: 'probe', image: 'probe' }] },
  });
  return status < 300 && JSON.stringify(body).includes(JSON.stringify(at(patch, 0, 'value', 'name')));
};
