import { isDeepStrictEqual } from 'node:util';
import type { Claims } from '../../harness/claims.ts';
import { at, type KubeObject } from '../../harness/json.ts';
import { CUSTOM_KINDS, collectionOf, NEIGHBOUR_KINDS } from '../../harness/kinds.ts';
import type { Path } from '../../harness/kube.ts';
import { deployment, httpRoute, service } from '../../harness/objects.ts';
import { KINDS, type Snapshot, snapshot } from '../../harness/remains.ts';
import type { Context, Shop } from '../../harness/shop.ts';

/** What a release may touch, and what stands beside it. */
export const ALL_KINDS: Readonly<Record<string, (namespace: string) => Path>> = {
  ...KINDS,
  ...Object.fromEntries(
    [...CUSTOM_KINDS, ...NEIGHBOUR_KINDS].map(({ kind }) => [kind, (ns: string) => collectionOf(kind, ns)]),
  ),
};

/** They come and go with what owns them. */
const PASSING = ['ReplicaSet', 'Pod', 'EndpointSlice', 'Lease', 'Job'];

/** The shop of every case, unless it brings its own: `checkout` three times, its Service and its route. */
export const shopObjects = (namespace: string): readonly KubeObject[] => [
  deployment({ namespace, name: 'checkout', version: '1.0' }),
  service(namespace, 'checkout'),
  httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]),
];

/** An object of a kind that `collectionOf` knows, such as a foreign policy. `fields`: `spec` and whatever else it has. */
export const foreignObject = (
  apiVersion: string,
  kind: string,
  metadata: KubeObject['metadata'],
  fields: object,
): KubeObject => ({ apiVersion, kind, metadata, ...fields });

const SERVER_OWNED = new Set(['managedFields', 'resourceVersion', 'generation']);

/** Everything that somebody wrote: no status, and nothing of the server's bookkeeping. */
const contentOf = (object: KubeObject): unknown => {
  const { status: _status, metadata, ...rest } = object;
  return {
    ...rest,
    metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => !SERVER_OWNED.has(key))),
  };
};

const changedFields = (was: KubeObject, is: KubeObject): readonly string[] => {
  const [before, after] = [contentOf(was), contentOf(is)];
  const keysOf = (value: unknown, key: string): readonly string[] => Object.keys((at(value, key) as object) ?? {});
  return ['metadata', 'spec', 'data', 'value'].flatMap((section) =>
    [...new Set([...keysOf(before, section), ...keysOf(after, section)])]
      .filter((key) => !isDeepStrictEqual(at(before, section, key), at(after, section, key)))
      .map(
        (key) =>
          `${section}.${key}: ${JSON.stringify(at(before, section, key))} is ${JSON.stringify(at(after, section, key))}`,
      ),
  );
};

/** Every object of the namespace that was there before, but for `except` (`Kind/name`), is deep-equal to what it was. */
export const claimAllEqual = (claims: Claims, before: Snapshot, after: Snapshot, except: readonly string[]): void => {
  const compared = [...before].filter(
    ([name]) => !PASSING.includes(name.split('/')[0] ?? '') && !except.includes(name),
  );
  const changed = compared.flatMap(([name, was]) => {
    const is = after.get(name);
    if (is === undefined) return [`${name} is gone`];
    if (isDeepStrictEqual(contentOf(was), contentOf(is))) return [];
    return [`${name}: ${changedFields(was, is).join('; ')}`];
  });
  const names = compared
    .map(([name]) => name)
    .filter((name) => !/^(ConfigMap\/kube-root-ca|ServiceAccount)/.test(name));
  claims.claim(
    'every object that was there is deep-equal to what it was',
    changed.length === 0 && compared.length > 0,
    changed.length === 0 ? names.join(', ') : changed,
  );
};

export const everything = ({ kube }: Context, shop: Shop): Promise<Snapshot> => snapshot(kube, shop, ALL_KINDS);

/** A case that is over costs the stack nothing more. */
export const abandon = async ({ kube }: Context, namespace: string): Promise<void> => {
  for (const kind of ['HTTPRoute', 'GRPCRoute', 'Deployment', 'StatefulSet', 'DaemonSet', 'HorizontalPodAutoscaler'])
    await kube.call('DELETE', collectionOf(kind, namespace));
};
