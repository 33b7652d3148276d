import { type KubeObject, objectIn, type Request, type Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import { countOf, fieldsOf, listOf, textOf } from '../core/shape.ts';
import type { WatchdogSpec } from '../core/spec.ts';
import type { Json } from '../core/units.ts';
import type { Watchdog, WatchdogHealth } from '../ports/watchdog.ts';
import { jobOf, jobRef, MANAGED_BY, stateRef } from './job.ts';
import { roleOf } from './role.ts';

const isOurs = (job: KubeObject): boolean =>
  Object.entries(MANAGED_BY).every(([key, value]) => job.metadata.labels?.[key] === value);

/** The Job of the state that stands now; null for one of an earlier rollout, and one that is going. */
const currentJob = (seen: Seen, target: Target): KubeObject | null => {
  const job = objectIn(seen, jobRef(target));
  const uid = objectIn(seen, stateRef(target))?.metadata.uid;
  const isOwned = job?.metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
  return job !== null && isOurs(job) && isOwned && job.metadata.deletionTimestamp === undefined ? job : null;
};

const deletion = (job: KubeObject, target: Target): Request => ({
  verb: 'delete',
  ref: jobRef(target),
  contentType: 'application/json',
  body: {
    preconditions: { uid: job.metadata.uid ?? '', resourceVersion: job.metadata.resourceVersion ?? '' },
    // A Job's pods are orphaned otherwise.
    propagationPolicy: 'Background',
  },
});

const conditionOf = (job: KubeObject, type: string): string | null => {
  const found = listOf(fieldsOf(job['status'])['conditions'])
    .map(fieldsOf)
    .find((condition) => condition['type'] === type && condition['status'] === 'True');
  if (found === undefined) return null;
  return [textOf(found['reason']), textOf(found['message'])].filter((part) => part !== null && part !== '').join(': ');
};

const healthOf = (job: KubeObject): WatchdogHealth => {
  const failure = conditionOf(job, 'Failed');
  if (failure !== null) return { kind: 'dead', reason: failure === '' ? 'the Job failed' : failure };
  if (conditionOf(job, 'Complete') !== null) return { kind: 'dead', reason: 'it ended by itself' };
  return { kind: (countOf(fieldsOf(job['status'])['ready']) ?? 0) > 0 ? 'alive' : 'unready' };
};

const removals = (seen: Seen, target: Target): readonly Request[] => {
  const job = objectIn(seen, jobRef(target));
  return job === null || !isOurs(job) || job.metadata.deletionTimestamp !== undefined ? [] : [deletion(job, target)];
};

const creationOf =
  (own: WatchdogSpec | null): Watchdog['creation'] =>
  (orders, stateUid) => {
    const { target, watchdog } = orders.plan;
    if (own === null || watchdog === null) return [];
    const body: Json = JSON.parse(JSON.stringify(jobOf(orders, stateUid, own)));
    return [{ verb: 'create', ref: jobRef(target), contentType: 'application/json', body }];
  };

const starterOf =
  (own: WatchdogSpec | null): Watchdog['start'] =>
  (seen, orders) => {
    const { target } = orders.plan;
    const stateUid = objectIn(seen, stateRef(target))?.metadata.uid;
    if (stateUid === undefined) return [];
    const job = currentJob(seen, target);
    if (job !== null && healthOf(job).kind !== 'dead') return [];
    const created = creationOf(own)(orders, stateUid);
    return created.length === 0 ? [] : [...removals(seen, target), ...created];
  };

/**
 * The dead man's switch as a Job that needs kubectl and a shell, and nothing installed in the cluster. `own`: image and
 * account as this job's inputs name them. Those of a saved plan are never used: who can write a ConfigMap could else have
 * any image run as any account of the namespace.
 */
export const jobWatchdog = (own: WatchdogSpec | null): Watchdog => ({
  permissions: [
    { group: 'batch', resource: 'jobs', verbs: ['get', 'create', 'delete'], why: 'start and remove the watchdog' },
  ],
  ref: jobRef,
  reads: (target) => [jobRef(target), stateRef(target)],
  creation: creationOf(own),
  start: starterOf(own),
  remove: removals,
  health: (seen, target) => {
    const job = currentJob(seen, target);
    return job === null ? { kind: 'absent' } : healthOf(job);
  },
  role: roleOf,
});
