import type { ObjectRef } from './objects.ts';
import type { Conduct, MetricSpec, SurroundingsSpec, WatchdogSpec } from './spec.ts';
import type { Abilities } from './traffic.ts';
import type { BasisPoints, Json, Ms } from './units.ts';

/** The names and labels of everything a rollout touches. Made once, before the first write, and kept in the state. */
export interface Target {
  readonly rolloutId: string;
  readonly namespace: string;
  readonly deployment: string;
  readonly canaryDeployment: string;
  /** null for queue workers. */
  readonly service: string | null;
  /** null when the router needs none (`replicas`, queue workers). */
  readonly canaryService: string | null;
  /** The adapter, and the user's objects that it writes; none for `replicas`. */
  readonly router: string;
  readonly routes: readonly ObjectRef[];
  /** Labels of canary pods that differ from stable's, with the canary's value. */
  readonly relabel: Readonly<Record<string, string>>;
  readonly images: readonly ContainerImage[];
  /** The whole pod template of the new version, as stable will have it; null: stable's own, with the images. */
  readonly template: Json | null;
  /** `manifestHash` of the manifest that the template is from; absent: it is from none. */
  readonly manifest?: string;
  /** Copies of the user's objects for the canary's pods: created before them, removed after them. */
  readonly companions: readonly Companion[];
  /** What scales stable, and is held for the time of the rollout; null: nothing does. */
  readonly autoscaler: Autoscaler | null;
  /** The canary Deployment is the user's own, and is given back; null: it is made and removed. */
  readonly pair: Pair | null;
  /** Run URL and commit, as annotations of what is created. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** `body`: the object to create, without the fencing marks. */
export interface Companion {
  readonly ref: ObjectRef;
  readonly body: Json;
}

/** The fields of an autoscaler that the rollout holds, as JSON Pointers, with what they were and what they are held at; null: absent. */
export interface Autoscaler {
  readonly ref: ObjectRef;
  readonly fields: readonly { readonly path: string; readonly was: Json; readonly held: Json }[];
}

/** The canary Deployment as it was found. */
export interface Pair {
  readonly replicas: number;
  /** Of the containers that are released. */
  readonly images: readonly ContainerImage[];
  /** A label selector that lists the pods of both arms, `app=checkout`; '': all of the namespace have to be looked at. */
  readonly arms: string;
}

export interface ContainerImage {
  readonly container: string;
  readonly image: string;
}

export interface PlannedStep {
  /** What the user asked for, and what the router can express. */
  readonly asked: BasisPoints;
  readonly weight: BasisPoints;
  readonly intervalMs: Ms;
  /** Canary pods while this step runs. */
  readonly canaryReplicas: number;
  /** It does not end before somebody approves. */
  readonly approval: boolean;
}

export interface Run {
  readonly id: string;
  readonly url: string | null;
  readonly commit: string | null;
  readonly repository: string | null;
  readonly actor: string | null;
  /** Comments on this pull request, and on no other, may steer the rollout. */
  readonly pullRequest: number | null;
}

/** Everything a rollout will do, as a value: printable, comparable, sent dry, saved. */
export interface Plan {
  readonly target: Target;
  readonly run: Run;
  readonly abilities: Abilities;
  readonly steps: readonly PlannedStep[];
  readonly metrics: readonly MetricSpec[];
  readonly fromImages: readonly ContainerImage[];
  /** Stable's replicas at the start: it never runs fewer while it is the way back. */
  readonly stableReplicas: number;
  /** Hash of stable's pod template at the start: a difference means that somebody changed it. */
  readonly stableTemplate: string;
  /** uid by `refKey` of every existing object that is written. */
  readonly uids: Readonly<Record<string, string>>;
  /** What the router must put back, in its own form. */
  readonly original: Json;
  readonly timings: Timings;
  readonly judgement: PlannedJudgement;
  readonly conduct: Conduct;
  readonly watchdog: WatchdogSpec | null;
  readonly promoteAt: SurroundingsSpec['promoteAt'];
  /** Other ways to stable's pods, which the route does not split: `Ingress shop/checkout`. */
  readonly beside: readonly string[];
}

/** How evidence becomes a verdict; fixed before the first request, as its guarantee demands. */
export interface PlannedJudgement {
  /** Roll back, and hold the weight, when it is so many times likelier that the canary is worse. */
  readonly rollbackOdds: number;
  readonly holdOdds: number;
  readonly minFailures: number;
  readonly minRequests: number;
  readonly requireEvidence: number | null;
  readonly ignoreFirstMs: Ms;
  readonly mode: 'decide' | 'dry-run';
  /** By metric, of those judged on evidence. */
  readonly metrics: Readonly<Record<string, Calibration>>;
}

export interface Calibration {
  /** Failures come in clumps of about so many: evidence is divided by it. At least 1. */
  readonly phi: number;
  /** The canary may fail so many times as often. */
  readonly tolerance: number;
  /** Latency: the bounds that are judged, rising, the SLO's first where there is one. Counted: []. */
  readonly bounds: readonly number[];
  /** Its part of the evidence of all metrics that decide. */
  readonly part: number;
  /** What stable's history showed; null: there was none. */
  readonly history: History | null;
}

export interface History {
  readonly ms: Ms;
  readonly requestsPerSecond: number;
  /** 0 to 1. */
  readonly failureRatio: number;
}

export interface Timings {
  readonly timeoutMs: Ms;
  readonly readyMs: Ms;
  readonly drainMs: Ms;
  readonly noDataMs: Ms;
  /** How long a weight may take to be confirmed. */
  readonly verifyMs: Ms;
  readonly settleMs: Ms;
  /** How long a new route entry must stand before the first weight, where somebody may revert it. At least `settleMs`. */
  readonly standMs: Ms;
  /** Time between two looks at the cluster while a weight is held: what the request budget allows. */
  readonly observeMs: Ms;
  /** Time between two points of a counter. */
  readonly counterMs: Ms;
  /** Time between two samples of counted metrics. */
  readonly sampleMs: Ms;
  /** Four scrapes: no query looks at a shorter window, and none is sent before it is that long. */
  readonly minWindowMs: Ms;
  /** How long each step of the traffic's return to stable is judged. */
  readonly returnMs: Ms;
}
