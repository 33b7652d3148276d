import type { Context } from './context.ts';
import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { RESOURCES } from './resources.ts';
import { find, list, remove, update } from './store.ts';

const FOREGROUND = 'foregroundDeletion';

const dependentsOf = (context: Context, owner: KubeObject): { resource: Resource; object: KubeObject }[] =>
  RESOURCES.flatMap((resource) =>
    list(context.store, resource, owner.metadata.namespace ?? '')
      .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid))
      .map((object) => ({ resource, object })),
  );

/** What a gone owner leaves behind goes too. */
export const collectOrphans = (context: Context, owner: KubeObject): void => {
  for (const { resource, object } of dependentsOf(context, owner)) {
    if (object.metadata.deletionTimestamp === undefined)
      remove(context.store, resource, object, { propagationPolicy: 'Background' });
  }
};

/** Foreground deletion: dependents first, then the owner. */
export const finishForeground = (context: Context, resource: Resource, known: KubeObject): void => {
  const owner = find(context.store, resource, known.metadata.namespace ?? '', known.metadata.name);
  if (owner === undefined || !owner.metadata.finalizers?.includes(FOREGROUND)) return;
  const dependents = dependentsOf(context, owner);
  for (const dependent of dependents) {
    if (dependent.object.metadata.deletionTimestamp !== undefined) continue;
    // Pods have no dependents of their own.
    const propagationPolicy = dependent.object.kind === 'Pod' ? 'Background' : 'Foreground';
    remove(context.store, dependent.resource, dependent.object, { propagationPolicy });
  }
  if (dependentsOf(context, owner).length > 0) return;
  const finalizers = owner.metadata.finalizers.filter((finalizer) => finalizer !== FOREGROUND);
  const wanted = { ...owner, metadata: { ...owner.metadata, finalizers } };
  update(context.store, resource, owner, wanted, { manager: 'kube-controller-manager' });
};
