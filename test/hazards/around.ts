import { type KubeObject, type ListRef, type ObjectRef, refKey, type Seen } from '../../src/core/objects.ts';
import type { Plan } from '../../src/core/plan.ts';
import type { Finding } from '../../src/core/reason.ts';
import type { Spec } from '../../src/core/spec.ts';
import { mergeSeen } from '../../src/drive/read.ts';
import type { Hazard } from '../../src/ports/hazard.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { aPlan } from '../core/plan.ts';
import { aSpec } from '../fakes/spec.ts';
import { type Changes, deployment, pod, replicaSet, seeFor, service, targetIn } from '../workloads/world.ts';

export interface Around {
  readonly stable?: KubeObject;
  /** Everything else in the cluster: quotas, claims, nodes, pods. */
  readonly others?: readonly KubeObject[];
  /** Kinds that the runner may not list. */
  readonly unread?: readonly string[];
  readonly spec?: Partial<Spec>;
  readonly plan?: Partial<Plan>;
  readonly changes?: Changes;
  /** Those that are written. */
  readonly routes?: readonly ObjectRef[];
  /** What the API server makes of the sample pod; null: it refuses it. */
  readonly admit?: ((sent: KubeObject) => KubeObject) | null;
  /** What it made of stable's pod. */
  readonly stablePod?: (pod: KubeObject) => KubeObject;
}

const podOf = (stable: KubeObject): readonly KubeObject[] => {
  const owner = replicaSet(stable, '1a2b');
  const { template } = stable['spec'] as { template: { spec: object } };
  const one = pod(owner, 'x1y2z', { labels: { app: 'checkout' } });
  return [owner, { ...one, spec: { ...template.spec, nodeName: 'node-1' } }];
};

const listed = (refs: readonly ListRef[], objects: readonly KubeObject[], unread: readonly string[]): Seen => ({
  objects: new Map(),
  lists: new Map(
    refs
      .filter(({ kind }) => !unread.includes(kind))
      .map((ref) => [refKey(ref), objects.filter(({ kind }) => kind === ref.kind)]),
  ),
});

/** What a hazard finds in a shop with these things around it: three healthy pods of stable, a Service and a route. */
export const findAround = (hazard: Hazard, around: Around = {}): readonly Finding[] => {
  const { stable = deployment(), others = [], unread = [], changes = {}, admit = (sent) => sent } = around;
  const [owner, bare] = podOf(stable);
  if (owner === undefined || bare === undefined) throw new Error('stable has no pod');
  const objects = [
    stable,
    service('checkout', { app: 'checkout' }),
    owner,
    around.stablePod?.(bare) ?? bare,
    ...others,
  ];
  const target = { ...targetIn(objects, changes), routes: around.routes ?? [] };
  const { replicas } = stable['spec'] as { replicas: number };
  const plan = aPlan({ target, stableReplicas: replicas, ...around.plan });
  const seen = seeFor(target, objects);
  const { ref, body } = deploymentWorkload.samplePod(seen, target);
  const admitted = admit === null ? null : admit(JSON.parse(JSON.stringify(body)) as KubeObject);
  const known = mergeSeen(seen, { objects: new Map([[refKey(ref), admitted]]), lists: new Map() });
  const situation = { spec: aSpec(around.spec), target, plan, fields: {} };
  const refs = [...hazard.reads(situation, known), ...(hazard.optional?.(situation, known) ?? [])];
  return hazard.find(situation, mergeSeen(known, listed(refs, objects, unread)));
};

/** Severity and what would allow it, one a finding. */
export const marksOf = (findings: readonly Finding[]): readonly string[] =>
  findings.map(({ severity, code, allow }) => `${severity} ${code}${allow === undefined ? '' : ` ${allow}`}`);
