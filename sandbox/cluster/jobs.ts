import type { Context } from './context.ts';
import { JOBS, timestamp } from './context.ts';
import { isReady } from './kubelet.ts';
import type { KubeObject } from './objects.ts';
import { isObject, sameJson } from './objects.ts';
import { createPod, livePods } from './replica-sets.ts';
import { find, update } from './store.ts';

/** One pod, which never ends by itself: enough of a Job for what waits and watches. Nothing runs in it. */
export const reconcileJob = (context: Context, known: KubeObject): void => {
  const { namespace = '', name, uid = '' } = known.metadata;
  const job = find(context.store, JOBS, namespace, name);
  if (job === undefined || job.metadata.uid !== uid || job.metadata.deletionTimestamp !== undefined) return;
  if (livePods(context, job).length === 0) {
    createPod(context, job, { 'batch.kubernetes.io/job-name': name, 'batch.kubernetes.io/controller-uid': uid });
  }
  const pods = livePods(context, job);
  const before = isObject(job.status) ? job.status : {};
  const { startTime = timestamp() } = before;
  const status = { ...before, startTime, active: pods.length, ready: pods.filter(isReady).length };
  // Each write of a status is an event, which would make the next.
  if (sameJson(before, status)) return;
  update(context.store, JOBS, job, { ...job, status }, { statusOnly: true, manager: 'kube-controller-manager' });
};
