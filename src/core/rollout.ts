import type { Asked, Command } from './command.ts';
import type { Doubt, MetricState, MetricVerdict, Stream } from './metric.ts';
import type { ArmSeen, Observation, Progress } from './observation.ts';
import type { Plan } from './plan.ts';
import type { Reason, ReasonCode } from './reason.ts';
import type { Sample } from './sample.ts';
import type { OutsideTally, Tally } from './tally.ts';
import type { Rung, Traffic } from './traffic.ts';
import type { Arm, BasisPoints, Ms } from './units.ts';

export type { ArmSeen, Doubt, MetricState, MetricVerdict, Observation, Progress, Stream, Tally };

// --- phases and stages ------------------------------------------------------

export type Phase = 'preparing' | 'progressing' | 'promoting' | 'rolling-back' | TerminalPhase;
export type OpenPhase = Exclude<Phase, TerminalPhase>;
export type TerminalPhase = 'promoted' | 'rolled-back' | 'halted' | 'left';

/** A named part of a phase. Which ones a phase has, in which order, is data in `phases/`. */
export type StageName =
  // preparing
  | 'claim'
  | 'hold-autoscaler'
  | 'canary-service'
  | 'companions'
  | 'canary'
  | 'watchdog'
  | 'route-entry'
  | 'settle'
  // progressing
  | 'scale'
  | 'shift'
  | 'bake'
  // promoting
  | 'capacity'
  | 'all-traffic'
  | 'commit'
  | 'read-stable'
  | 'await-stable'
  | 'update-stable'
  | 'without-canary'
  | 'stable-ready'
  | 'return-some'
  | 'return-all'
  | 'keep-canary'
  | 'keep-capacity'
  // rolling back
  | 'way-back'
  // the end of both
  | 'drain'
  | 'restore-route'
  | 'remove-canary'
  | 'give-back'
  | 'remove-service'
  | 'remove-companions'
  | 'release-autoscaler'
  | 'unclaim';

export interface Stage {
  readonly name: StageName;
  readonly since: Ms;
  /** The write of this stage: none sent yet, in flight, done (and when), or to be repeated after a failure. */
  readonly write: { readonly kind: 'none' } | { readonly kind: 'done'; readonly at: Ms };
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly trouble: string | null;
  readonly troubleCode: ReasonCode | null;
  /** No new attempt before. */
  readonly retryAt: Ms;
  /** Since when the traffic wanted is verified; the clock of a bake starts here. */
  readonly verifiedAt: Ms | null;
  /** Time that counted so far (waits excluded), and up to when. */
  readonly heldMs: Ms;
  readonly countedUntil: Ms;
}

/** What a workload adapter does and reports on. */
export type WorkloadStage =
  | { readonly kind: 'canary-service' }
  | { readonly kind: 'canary'; readonly replicas: number }
  | { readonly kind: 'update-stable' }
  | { readonly kind: 'remove-canary' }
  /** The user's own canary Deployment gets its replicas back, and its images as they were `found`, or it keeps those released. */
  | { readonly kind: 'give-back'; readonly images: 'found' | 'released' }
  | { readonly kind: 'remove-service' }
  | { readonly kind: 'companions' }
  | { readonly kind: 'remove-companions' }
  | { readonly kind: 'hold-autoscaler' }
  | { readonly kind: 'release-autoscaler' };

/** What a write is for. `drive` turns it into requests with the adapters, from a fresh read. */
export type Intent =
  | { readonly kind: 'claim' }
  /** The holder mark alone: a takeover past the point of no return must not open a way back again. */
  | { readonly kind: 'hold' }
  /** The dead man's switch in the cluster. */
  | { readonly kind: 'watchdog' }
  | { readonly kind: 'workload'; readonly stage: WorkloadStage }
  | { readonly kind: 'traffic'; readonly want: Traffic }
  | { readonly kind: 'way-back' }
  | { readonly kind: 'last-resort' }
  /** The way-back marks go, the canary Service's first: the point of no return. */
  | { readonly kind: 'commit' }
  | { readonly kind: 'restore-route' }
  | { readonly kind: 'unclaim' };

export type Wait =
  | { readonly kind: 'evidence'; readonly metric: string; readonly why: string }
  | { readonly kind: 'no-data'; readonly metric: string; readonly since: Ms; readonly why: string }
  | { readonly kind: 'paused'; readonly by: string; readonly since: Ms }
  | { readonly kind: 'approval'; readonly since: Ms };

// --- the rollout ------------------------------------------------------------

/** What is known about one step, for the report. Filled while it runs, closed when the next begins. */
export interface StepRecord {
  readonly weight: BasisPoints;
  readonly intervalMs: Ms;
  readonly startedAt: Ms;
  readonly verifiedAt: Ms | null;
  readonly endedAt: Ms | null;
  /** Time the weight was held, waits excluded. */
  readonly heldMs: Ms;
  readonly verification: Rung | null;
  readonly observedShare: BasisPoints | null;
  readonly verdict: 'running' | 'passed' | 'failed' | 'aborted' | 'skipped';
  readonly metrics: readonly StepMetric[];
}

export interface StepMetric {
  readonly name: string;
  readonly verdict: MetricVerdict['kind'];
  /** Failure ratio (0 to 1) or value of each arm. */
  readonly canary: number | null;
  readonly stable: number | null;
  readonly unit: string | null;
  readonly requests: Readonly<Record<Arm, number>> | null;
  readonly failures: Readonly<Record<Arm, number>> | null;
  readonly odds: number | null;
  readonly explanation: string;
}

export interface TrafficState {
  /** What the route should do now. Changing it is the decision to shift. */
  readonly wanted: Traffic;
  /** Confirmed last. */
  readonly verified: Traffic | null;
  readonly rung: Rung | null;
  /** When the canary first could get a request; null: never. */
  readonly firstAt: Ms | null;
  /** Rolling back: when the request that returns traffic was sent, accepted, and seen to have worked. */
  readonly wayBackSentAt: Ms | null;
  readonly wayBackDoneAt: Ms | null;
  readonly wayBackRefusals: number;
}

/** Somebody, or the plan, stopped the weight where it is. It is judged all the same while anybody looks. */
export interface Pause {
  /** `octocat`, `until: 20`, `the cancelled run`. Hostile text. */
  readonly by: string;
  readonly since: Ms;
}

/** The current step's approval: asked for since, given by. */
export interface Approval {
  readonly step: number;
  readonly since: Ms;
  readonly by: string | null;
}

/** A time in which nobody looked at the metrics: the job had ended on purpose, or its runner was lost. */
export interface Unwatched {
  readonly from: Ms;
  readonly to: Ms;
}

export interface Rollout {
  readonly schemaVersion: 1;
  readonly plan: Plan;
  readonly phase: Phase;
  readonly stage: Stage;
  /** Index of the current step, or of the last; -1 before the first. */
  readonly step: number;
  readonly traffic: TrafficState;
  readonly metrics: readonly MetricState[];
  readonly steps: readonly StepRecord[];
  readonly waits: readonly Wait[];
  /** Time that steps stood on suspicion so far, which is bounded, and up to when it is counted. */
  readonly suspectedMs: Ms;
  readonly suspectedUntil: Ms;
  /** Why it rolls back, halted, or ended. null while all is well. */
  readonly reason: Reason | null;
  readonly observation: Observation | null;
  /** When the last look was answered, well or not. */
  readonly lookedAt: Ms;
  /** When the way-back marks were asked to go: from here on nothing returns traffic by itself to an arm without ready endpoints. */
  readonly committedAt: Ms | null;
  readonly startedAt: Ms;
  readonly finishedAt: Ms | null;
  readonly warnings: readonly string[];
  readonly paused: Pause | null;
  readonly approval: Approval | null;
  /** `promote` was asked for: what is left of the steps is skipped. */
  readonly skipsSteps: boolean;
  /** Every command that was found, oldest first: the audit, and what makes each act once. */
  readonly asked: readonly Asked[];
  /** `until` was reached once: a resumed rollout goes past it. */
  readonly untilReached: boolean;
  /** Halted or left: the phase that a command or a new run goes on with. */
  readonly reopensAs: OpenPhase | null;
  /** Past the point of no return, back to a stable that was never updated: nothing there to judge, and it ends as rolled back. */
  readonly undoes: boolean;
  /** Opened for one look at the metrics only: it is left again when all is well. */
  readonly checks: boolean;
  readonly unwatched: readonly Unwatched[];
  /** What still reached stable while the canary had everything; null: nobody counted. */
  readonly outside: OutsideTally | null;
  /** Time in which no job was meant to run: it does not count towards `timeout`. */
  readonly leftMs: Ms;
  /** Effects that are open, and the number of the next. */
  readonly open: readonly Effect[];
  readonly nextEffect: number;
  /** Counts what must be saved before a forward write; and what is saved. */
  readonly revision: number;
  readonly savedRevision: number;
  readonly savedAt: Ms;
}

// --- events and effects -----------------------------------------------------

export type WriteOutcome =
  | { readonly kind: 'done'; readonly notes: readonly string[] }
  /** `final`: asking again cannot help (the mark is gone, the request is invalid, a right is missing). */
  | { readonly kind: 'refused'; readonly code: ReasonCode; readonly reason: string; readonly final: boolean }
  | { readonly kind: 'failed'; readonly code: ReasonCode; readonly reason: string };

export type Event = { readonly now: Ms } & (
  | { readonly kind: 'started' }
  | { readonly kind: 'observed'; readonly effect: number; readonly observation: Observation }
  | { readonly kind: 'observe-failed'; readonly effect: number; readonly code: ReasonCode; readonly reason: string }
  | { readonly kind: 'written'; readonly effect: number; readonly outcome: WriteOutcome }
  | { readonly kind: 'saved'; readonly effect: number; readonly revision: number }
  | { readonly kind: 'save-failed'; readonly effect: number; readonly reason: string }
  | { readonly kind: 'sampled'; readonly effect: number; readonly samples: readonly Sample[] }
  | { readonly kind: 'woke'; readonly effect: number }
  | { readonly kind: 'commanded'; readonly command: Command }
  | { readonly kind: 'acknowledged'; readonly effect: number; readonly done: boolean }
  | { readonly kind: 'cancel-requested'; readonly wayBackSent: boolean }
  | { readonly kind: 'lock-lost'; readonly how: string }
);

/** Work that should be under way. An effect is opened once, has a number, and ends with the event that names it. */
export type Effect = { readonly id: number; readonly since: Ms } & (
  | {
      readonly kind: 'write';
      readonly intent: Intent;
      readonly lane: 'forward' | 'way-back';
      /** A way back was decided while this was in flight: its answer makes the way back go again. */
      readonly superseded: boolean;
    }
  | {
      readonly kind: 'observe';
      readonly want: Traffic;
      readonly stage: WorkloadStage | null;
      readonly depth: 'light' | 'full' | 'pods';
    }
  | { readonly kind: 'query'; readonly metrics: readonly string[]; readonly windowMs: Ms; readonly from: Ms }
  | { readonly kind: 'save'; readonly revision: number }
  /** Takes the annotation of a command away that was acted on and saved. */
  | { readonly kind: 'acknowledge'; readonly command: Command }
  | { readonly kind: 'wake'; readonly at: Ms }
);
