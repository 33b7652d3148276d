import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { at, type KubeObject } from './json.ts';
import { collectionOf } from './kinds.ts';
import { type Kube, type Path, paths } from './kube.ts';
import type { Context, Shop } from './shop.ts';

const OWN = 'canary-rollout.github.io/';

type Kinds = Readonly<Record<string, (namespace: string) => Path>>;

/** What every release may touch. */
export const KINDS: Kinds = {
  Deployment: paths.deployments,
  ReplicaSet: paths.replicaSets,
  Service: paths.services,
  ConfigMap: paths.configMaps,
  Lease: paths.leases,
  Job: paths.jobs,
  Pod: paths.pods,
  HTTPRoute: paths.httpRoutes,
  GRPCRoute: paths.grpcRoutes,
  EndpointSlice: paths.endpointSlices,
};

/** A namespace as it was: by `Kind/name`. */
export type Snapshot = ReadonlyMap<string, KubeObject>;

export const snapshot = async (kube: Kube, { namespace }: Shop, kinds: Kinds = KINDS): Promise<Snapshot> => {
  const lists = await Promise.all(
    Object.entries(kinds).map(async ([kind, path]) => {
      const objects = await kube.list(path(namespace));
      return objects.map((object) => [`${kind}/${object.metadata.name}`, object] as const);
    }),
  );
  return new Map(lists.flat());
};

/** Pods, slices and the next ReplicaSet come and go with what was there before: names are no guide, they are cut. */
const belongs = (object: KubeObject, before: Snapshot, after: Snapshot): boolean => {
  const [owner] = object.metadata.ownerReferences ?? [];
  if (owner === undefined) return false;
  if (before.has(`${owner.kind}/${owner.name}`)) return true;
  const parent = after.get(`${owner.kind}/${owner.name}`);
  return parent !== undefined && belongs(parent, before, after);
};

const marksOf = (object: KubeObject): readonly string[] =>
  Object.keys({ ...object.metadata.labels, ...object.metadata.annotations }).filter((key) => key.startsWith(OWN));

/** New objects, missing objects and marks, in words; [] when there are none. */
export const differences = (before: Snapshot, after: Snapshot): readonly string[] => {
  const added = [...after]
    .filter(([name, object]) => !before.has(name) && !belongs(object, before, after))
    .map(([name]) => `new ${name}`);
  const gone = [...before.keys()].filter((name) => !/^(Pod|EndpointSlice)\//.test(name) && !after.has(name));
  const marked = [...after].flatMap(([name, object]) => marksOf(object).map((mark) => `${mark} on ${name}`));
  return [...added, ...gone.map((name) => `lost ${name}`), ...marked];
};

/** Nothing of the rollout is left: at once, except for what the garbage collector removes in its own time. */
export const claimNothingLeft = async (
  { kube, claims }: Context,
  shop: Shop,
  before: Snapshot,
  what: string,
  kinds: Kinds = KINDS,
): Promise<void> => {
  const atOnce = differences(before, await snapshot(kube, shop, kinds)).filter(
    (text) => !/^new (ReplicaSet|Pod|EndpointSlice)\//.test(text),
  );
  let later = differences(before, await snapshot(kube, shop, kinds));
  for (let tries = 0; tries < 40 && later.length > 0; tries += 1) {
    await sleep(500);
    later = differences(before, await snapshot(kube, shop, kinds));
  }
  const left = [...new Set([...atOnce, ...later])];
  claims.claim(`${what}: nothing is left behind`, left.length === 0, left.length === 0 ? 'nothing' : left);
};

/** Spec, labels and annotations of one object are what they were. */
export const claimUntouched = async (
  { kube, claims }: Context,
  shop: Shop,
  before: Snapshot,
  name: string,
): Promise<void> => {
  const [kind = '', own = ''] = name.split('/');
  const was = before.get(name);
  const is = await kube.get(`${collectionOf(kind, shop.namespace)}/${own}`);
  const fields = ['spec', 'labels', 'annotations'] as const;
  const contentOf = (object: KubeObject | undefined, field: (typeof fields)[number]): unknown =>
    field === 'spec' ? object?.spec : (at(object, 'metadata', field) ?? {});
  const changed = fields.filter((field) => !isDeepStrictEqual(contentOf(was, field), contentOf(is, field)));
  claims.claim(
    `${name} is what it was`,
    changed.length === 0,
    changed.length === 0
      ? 'deep-equal spec, labels and annotations'
      : changed.map((field) => ({ field, was: contentOf(was, field), is: contentOf(is, field) })),
  );
};
