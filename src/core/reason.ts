/** Why a rollout ended as it did. Closed and documented: users write `if:` conditions against these words. */
export const REASONS = {
  completed: 'The new version serves all traffic, or all of the route where others reach stable past it.',
  'already-running': 'Stable already runs this image and is ready.',
  planned: 'The plan was made and nothing was written.',
  'metric-failed': 'A metric judged the canary worse than it may be.',
  'metric-no-data': 'A metric had no data for longer than `no-data-timeout`, so the canary could not be judged.',
  'canary-not-ready': 'The canary did not become ready, or lost its last ready pod.',
  'weight-not-confirmed': 'The router did not confirm a weight, or the traffic seen does not fit it.',
  'stable-changed': 'Somebody changed the stable Deployment during the rollout.',
  'route-changed': 'Somebody changed our entries of the route during the rollout.',
  'image-moved': 'The image tag names another image now than the one that was judged.',
  superseded: 'Another release of the Deployment took its place.',
  cancelled: 'The workflow run was cancelled.',
  'aborted-by-user': 'A person asked for it.',
  timeout: 'The rollout took longer than `timeout`.',
  'lock-held': 'Another rollout of this Deployment is under way.',
  'lock-lost': 'Another run took the lock; this one writes nothing more.',
  'invalid-config': 'An input or the config file is wrong.',
  forbidden: 'A right is missing in the cluster.',
  'untrusted-event': 'The event comes from a fork.',
  'deployment-not-found': 'The Deployment does not exist.',
  'service-not-found': 'The Service does not exist, or none selects the stable pods.',
  'ambiguous-service': 'Several Services select the stable pods and none was named, or one selects other pods too.',
  'route-not-found': 'The route does not exist, or none leads to the Service.',
  'ambiguous-route': 'Several routes lead to the Service and none was named.',
  'route-unsupported': 'The route has a form that the rollout cannot work with safely.',
  'route-not-accepted': 'A gateway does not accept the route.',
  'stable-not-healthy': 'Stable is paused, scaled to zero, in the middle of a rollout or not ready.',
  autoscaler: 'An autoscaler of stable cannot be held, or is about to scale stable.',
  'policy-mismatch': 'A policy covers stable but would not cover the canary.',
  'unsafe-strategy': 'The strategy of stable would interrupt traffic.',
  'unsafe-labels': 'No labels can be found that keep the canary apart from stable.',
  'owned-by-controller': 'Another controller owns an object that the rollout would write.',
  'object-exists': 'An object that the rollout would create exists already and is not ours.',
  'refused-by-cluster': 'The API server refuses a planned write.',
  'cluster-unreachable': 'The API server could not be reached.',
  'metrics-unreachable': 'The metrics store could not be reached, or refused the credentials.',
  'metric-not-found': 'A metric has no data for stable, so the canary could not be compared.',
  'metric-invalid': 'The metrics store refuses a query, or it gives several series where one is needed.',
  'promote-failed': 'Promotion could not go on; the healthy copy keeps serving.',
  'stable-not-updated': 'Stable does not run the judged image.',
  'hold-expired': 'The rollout waited longer than `hold`.',
  'approval-timeout': 'Nobody approved in time.',
  paused: 'The job ended on purpose with the rollout open; a later job resumes it.',
  'handed-over': 'The command was handed to the run that holds the lock.',
  listed: 'The open rollouts were listed.',
  swept: 'The rollouts that nobody drove were made safe.',
  'sweep-failed': 'A rollout that nobody drives could not be made safe.',
  'no-rollout': 'No rollout of this Deployment is open.',
  'command-refused': 'The command cannot be carried out on this rollout, or its sender may not ask for it.',
  'nothing-to-roll-back': 'There is no earlier version that the Deployment could go back to.',
  'credentials-expire': 'The cluster credentials end before the rollout would.',
  'internal-error': 'A defect of this action. Please report it.',
} as const satisfies Record<string, string>;

export type ReasonCode = keyof typeof REASONS;

export const isReasonCode = (text: string): text is ReasonCode => Object.hasOwn(REASONS, text);

/** A reason with the sentence that the reader sees. */
export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
  /** The metric that failed or had no data. */
  readonly metric: string | null;
}

/** What a check found before the first write. An error refuses the rollout; a warning is reported. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  readonly code: ReasonCode;
  readonly message: string;
  /** The object or input it is about: `Deployment shop/checkout`, `metrics[1]`. */
  readonly where: string;
  /** What to do, or what to paste (a Role, a snippet). */
  readonly advice: string | null;
  /** What `allow` names to turn this error into a warning: `NetworkPolicy/deny-all`, `drift`. Absent: it cannot be allowed. */
  readonly allow?: string;
  /** Objects that lead to stable's pods past the route: with them nobody can say that the canary has all traffic. */
  readonly beside?: readonly string[];
}
