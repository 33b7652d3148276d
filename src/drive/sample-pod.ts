import { refKey, type Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Workload } from '../ports/workload.ts';
import { mergeSeen } from './read.ts';

interface SampleInput {
  readonly cluster: Cluster;
  readonly workload: Workload;
  readonly signal: AbortSignal;
}

/** With the pod that the API server would create for the canary, as if it had been read. A refusal is told by the dry run. */
export const withSamplePod = async (
  { cluster, workload, signal }: SampleInput,
  target: Target,
  seen: Seen,
): Promise<Seen> => {
  const request = workload.samplePod(seen, target);
  const answer = await cluster.send(request, { dryRun: true, signal });
  return answer.kind === 'ok'
    ? mergeSeen(seen, { objects: new Map([[refKey(request.ref), answer.value]]), lists: new Map() })
    : seen;
};
