import type { Guard } from '../core/marks.ts';
import type { KubeObject, ListRef, ObjectRef, Permission, ReadRef, Request, Seen } from '../core/objects.ts';
import type { Peak } from '../core/outcome.ts';
import type { Plan, Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { ArmSeen, Progress, WorkloadStage } from '../core/rollout.ts';
import type { CopiedKind, ImageChange, Manifest } from '../core/spec.ts';
import type { Arm, Json, Result } from '../core/units.ts';

/** Stable's template with other images, a whole template, or the one that it had before the current one. */
export type RequestedVersion =
  | { readonly kind: 'images'; readonly images: readonly ImageChange[] }
  /** `template`: the manifest's as the API server completes it; null: it was not asked yet. */
  | { readonly kind: 'manifest'; readonly manifest: Manifest; readonly template: Json | null }
  | { readonly kind: 'previous' };

/** What the user asked for, before a Target can be made. */
export interface WorkloadRequest {
  readonly rolloutId: string;
  readonly namespace: string;
  readonly deployment: string;
  /** An existing Deployment to be the canary; null: it is made. */
  readonly canaryDeployment: string | null;
  /** Kinds of which the canary gets copies. */
  readonly copy: readonly CopiedKind[];
  /** null: find it. */
  readonly service: string | null;
  readonly version: RequestedVersion;
  /** `pods`: the named Service is meant to match both arms. */
  readonly unit: 'requests' | 'pods';
  readonly annotations: Readonly<Record<string, string>>;
}

/** Knows one kind of workload: how to copy, watch, promote and remove it. Pure, like a router. */
export interface Workload {
  readonly name: string;
  readonly permissions: readonly Permission[];
  /** Everything `resolve` needs: the Deployment, all Services, autoscalers, Deployments of the namespace. Kinds the cluster does not serve are left out of Seen. */
  surveys(request: WorkloadRequest): readonly ReadRef[];
  /**
   * The write that gives stable the manifest's template, or creates a Deployment that does not exist. Sent dry, its answer
   * has the template as the API server completes it. null: the version is no manifest.
   */
  offer(
    seen: Seen,
    request: WorkloadRequest,
  ): { readonly write: Request | null; readonly findings: readonly Finding[] };
  /** Objects of other kinds that the name may mean, looked for only where there is no such Deployment; what cannot be read is left out. */
  namesakes(request: WorkloadRequest): readonly ObjectRef[];
  /** Finds Service, labels and names, and every reason not to start. Findings of severity error mean `target` must not be used. */
  resolve(
    seen: Seen,
    request: WorkloadRequest,
  ): { readonly target: Omit<Target, 'router' | 'routes'> | null; readonly findings: readonly Finding[] };
  /** Whether stable already runs these images, or this template, and is ready; never so for the previous version. */
  isUnchanged(seen: Seen, request: WorkloadRequest): boolean;
  /** Everything the methods below need to have been read. `pods`: also the pods, for their problems and imageIDs. */
  reads(target: Target, pods: boolean): readonly ReadRef[];
  /** Requests that bring the stage about; [] when it is so already. Never touches what is not ours. */
  plan(seen: Seen, target: Target, stage: WorkloadStage, guard: Guard): Result<readonly Request[], string>;
  /** A Pod of the canary's template, only ever sent with dryRun: admission refuses here what it would refuse a ReplicaSet later. */
  samplePod(seen: Seen, target: Target): Request;
  /** What the stage leaves as somebody else set it, in words, from the read that it was planned from. */
  notes?(seen: Seen, target: Target, stage: WorkloadStage): readonly string[];
  /** The most that the plan runs at a time. `seen` may hold the admitted sample pod, as if it had been read. */
  peak(seen: Seen, plan: Plan): Peak;
  progress(seen: Seen, target: Target, stage: WorkloadStage): Progress;
  observe(seen: Seen, target: Target): Readonly<Record<Arm, ArmSeen | null>>;
  /** RE2 for `{{pods}}` of each arm, from its ReplicaSets' names; an exact list of pod names where expressions could match a neighbour. null: the arm has no pods. */
  podsExpression(seen: Seen, target: Target): Readonly<Record<Arm, string | null>>;
  /** Where an arm's pods are listed, and no others. */
  podsOf(seen: Seen, target: Target, arm: Arm): ListRef;
  /** The objects that get marks, existing ones only; created ones carry them from birth. */
  marked(target: Target): readonly ObjectRef[];
  /** Pods of an arm that were read, newest first, for logs. */
  pods(seen: Seen, target: Target, arm: Arm): readonly KubeObject[];
}
