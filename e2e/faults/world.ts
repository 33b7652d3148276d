import type { FaultProxyOptions } from '../harness/fault-proxy.ts';

/** How a run of the action, its post step included, ended. */
export interface Ended {
  /** '' when it was killed before it could say. */
  readonly status: string;
  readonly reasonCode: string;
  readonly reason: string;
  readonly finalWeight: string;
  readonly log: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface Running {
  /** Of both steps; of a run that was killed, of the main step alone. */
  readonly done: Promise<Ended>;
  /** As the runner does it: SIGINT, then less polite, then the post step. */
  cancel(): void;
  /** The machine is gone: no post step. */
  kill(): void;
}

export interface Asked {
  readonly image: string;
  readonly kubeconfig: string;
  /** URL. */
  readonly prometheus: string;
  readonly gitHubIsDead: boolean;
  /** Whether it may come to a post step: half of the time of a run that needs none. */
  readonly post: boolean;
}

export interface Stable {
  readonly image: string;
  readonly ready: boolean;
}

/** A shop with users on a cluster, real or not, and what can be seen of it from outside. */
export interface World {
  /** In front of what the proxies stand. */
  readonly api: Omit<FaultProxyOptions, 'onRequest'>;
  readonly metrics: Omit<FaultProxyOptions, 'onRequest'>;
  /** For an API server at that URL. */
  kubeconfig(url: string): string;
  imageOf(tag: string): string;
  start(asked: Asked): Running;
  /** Of the requests sent since then: how many, and how many got no good answer though not from the version that fails on purpose. */
  users(since: number, failing: string): { readonly sent: number; readonly lost: number; readonly text: string };
  /** The canary's share in the route, 0 to 1, with the time since when. */
  weight(): { readonly weight: number; readonly since: number };
  stable(): Promise<Stable>;
  /** What rollouts have left behind, in words; some of it goes in the collector's own time. */
  remains(): Promise<readonly string[]>;
}
