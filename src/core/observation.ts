import type { ContainerImage } from './plan.ts';
import type { ReasonCode } from './reason.ts';
import type { Traffic, Verification } from './traffic.ts';
import type { Ms } from './units.ts';

export interface ArmSeen {
  readonly uid: string;
  /** Asked for, and ready by the Deployment's own status for its current generation. */
  readonly replicas: number;
  readonly ready: number;
  /** Ready and not terminating in the Service's EndpointSlices; null where there is no Service. */
  readonly endpoints: number | null;
  /** Every pod is of the current template and ready, none of an older one is left. */
  readonly rolledOut: boolean;
  readonly template: string;
  readonly images: readonly ContainerImage[];
  /** `image@digest` as the nodes report them, sorted, without repeats; empty when unknown. */
  readonly imageIds: readonly string[];
  /** The platform (`arm64`) of the pods that run an image, where it is known; an image may run on several. */
  readonly platforms?: readonly { readonly id: string; readonly platform: string }[] | undefined;
  /** Why pods are not ready, in words: waiting reason, last state. */
  readonly problem: string | null;
  /** What tells by pod name that its containers began anew: uid, restarts and starts. null: this look did not read pods. */
  readonly lives: Readonly<Record<string, string>> | null;
}

export type Progress =
  | { readonly kind: 'done' }
  | { readonly kind: 'pending'; readonly waitingFor: string }
  | { readonly kind: 'failed'; readonly code: ReasonCode; readonly reason: string };

/** One look at the cluster, as the adapters understand it. */
export interface Observation {
  /** When the first read of this look was sent. */
  readonly at: Ms;
  /** The traffic that was asked about. */
  readonly asked: Traffic;
  /** What the route says now; null when it cannot be read (`trafficProblem` says why). */
  readonly traffic: Traffic | null;
  readonly trafficProblem: string | null;
  /** Who last wrote the route's fields that are ours, when it was not us: a field manager's name. Hostile text. */
  readonly changedBy: string | null;
  /** A plan for the traffic asked about would write nothing: our entries are there and say so. */
  readonly asWanted: boolean;
  /** Of the traffic the observe effect asked about. */
  readonly verification: Verification | null;
  /** Of the workload stage the observe effect asked about. */
  readonly progress: Progress | null;
  /** The route's own fields are as they were found. */
  readonly restored: boolean;
  readonly stable: ArmSeen | null;
  readonly canary: ArmSeen | null;
}
