import type { Run } from '../core/plan.ts';
import type { Spec } from '../core/spec.ts';
import type { RequestedVersion, WorkloadRequest } from '../ports/workload.ts';

interface Asked {
  readonly spec: Spec;
  readonly namespace: string;
  readonly rolloutId: string;
  readonly run: Run;
}

/** What the user asked for, as a workload needs it. */
export const requestOf = ({ spec, namespace, rolloutId, run }: Asked): WorkloadRequest => ({
  rolloutId,
  namespace,
  deployment: spec.deployment,
  canaryDeployment: spec.canaryDeployment,
  copy: spec.surroundings.copy,
  service: spec.service,
  version: versionOf(spec),
  unit: spec.route?.kind === 'replicas' ? 'pods' : 'requests',
  annotations: {
    ...(run.url === null ? {} : { 'canary-rollout.github.io/run': run.url }),
    ...(run.commit === null ? {} : { 'canary-rollout.github.io/commit': run.commit }),
  },
});

const versionOf = ({ command, manifest, images }: Spec): RequestedVersion => {
  if (command === 'rollback') return { kind: 'previous' };
  return manifest === null ? { kind: 'images', images } : { kind: 'manifest', manifest, template: null };
};
