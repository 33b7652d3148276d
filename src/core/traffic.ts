import type { ReasonCode } from './reason.ts';
import type { BasisPoints, Ms } from './units.ts';

/** Requests with this header or cookie go to the canary whatever the weight. No router of this version sets one. */
export interface Cohort {
  readonly kind: 'header' | 'cookie';
  readonly name: string;
  readonly value: string;
}

/** What the route should do, or does. */
export interface Traffic {
  readonly canary: BasisPoints;
  readonly cohort: Cohort | null;
  readonly mirror: BasisPoints;
}

export const weightOnly = (canary: BasisPoints): Traffic => ({ canary, cohort: null, mirror: 0 });

/**
 * How surely a weight is known to be in force. V0 written: a read shows it. V1 accepted: the router's status names it.
 * V2 applied: the data plane is known to have it. V3 seen in traffic. V4 the old path is empty.
 */
export type Rung = 'V0' | 'V1' | 'V2' | 'V3' | 'V4';

export type Verification =
  | { readonly kind: 'reached'; readonly rung: 'V0' | 'V1' | 'V2' }
  /** `taken`: the router works with what was written, and complains of something else (a backend that is not there). */
  | { readonly kind: 'pending'; readonly waitingFor: string; readonly taken?: boolean | undefined }
  /** The router says that it will not apply this. */
  | { readonly kind: 'refused'; readonly code: ReasonCode; readonly reason: string };

/** What a router can do, as data: plan, preflight, tables and tests read it. */
export interface Abilities {
  /** `requests` are split by the proxy, `pods` by how many there are. */
  readonly unit: 'requests' | 'pods';
  /** The smallest difference between two weights that it can express. */
  readonly granularity: BasisPoints;
  /** The highest rung it can reach without traffic. */
  readonly rung: 'V0' | 'V1' | 'V2';
  /** How long after a write the data plane may need, where it does not tell. */
  readonly settleMs: Ms;
  /** Whether an entry with weight 0 for a canary that is up may stand in the route. */
  readonly zeroWeightEntry: boolean;
  /** Whether a rollout can end with all traffic on the canary while stable is updated; else stable is updated in place. */
  readonly allTraffic: boolean;
  readonly header: boolean;
  readonly cookie: boolean;
  readonly mirror: boolean;
}
