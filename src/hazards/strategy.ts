import { formatDuration } from '../core/format.ts';
import { refText, type Seen } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import { countOf, fieldsOf } from '../core/shape.ts';
import type { Hazard, HazardRow, Situation } from '../ports/hazard.ts';
import { deploymentIn, deploymentRef } from '../workloads/arms.ts';
import type { Deployment } from '../workloads/shape.ts';
import { fenceposts, isRecreate } from '../workloads/strategy.ts';

type Asked = Situation & { readonly stable: Deployment; readonly where: string };

const finding = (
  asked: Asked,
  severity: Finding['severity'],
  message: string,
  advice: string,
  allow?: string,
): Finding => ({
  severity,
  code: 'unsafe-strategy',
  where: asked.where,
  message: `${asked.where} ${message}`,
  advice,
  ...(allow === undefined ? {} : { allow }),
});

/** Stable is updated while the canary has all traffic: then only those are hurt who reach stable past the route. */
const isAside = ({ plan }: Situation): boolean =>
  plan?.abilities.allTraffic === true && plan.promoteAt === 'all-traffic';

const REST = 'who calls stable past the route, or over a connection that is still open, would be answered by nobody';

const allowable = (asked: Asked, name: string): string | undefined => (isAside(asked) ? name : undefined);
const consequence = (asked: Asked): string => (isAside(asked) ? ` The canary has all traffic then, but ${REST}.` : '');

const recreate = (asked: Asked): readonly Finding[] =>
  isRecreate(asked.stable)
    ? [
        finding(
          asked,
          'error',
          `has the strategy Recreate: promotion would stop every stable pod before a new one starts.${consequence(asked)}`,
          'Use RollingUpdate.',
          allowable(asked, 'Recreate'),
        ),
      ]
    : [];

const unavailable = (asked: Asked): readonly Finding[] => {
  const { stable } = asked;
  const { unavailable: missing } = fenceposts(stable);
  if (isRecreate(stable) || stable.replicas === 0 || missing < stable.replicas) return [];
  const pods = stable.replicas === 1 ? 'its only pod' : `all ${stable.replicas} pods`;
  return [
    finding(
      asked,
      'error',
      `allows ${pods} to be unavailable during an update (maxUnavailable and maxSurge), so promotion could leave none.${consequence(asked)}`,
      'Set maxUnavailable: 0 and maxSurge: 1.',
      allowable(asked, 'maxUnavailable'),
    ),
  ];
};

const seconds = (stable: Deployment, field: string): number => countOf(fieldsOf(stable.object['spec'])[field]) ?? 0;

/** Pods count once they are available, and `ready-timeout` ends the wait for that. */
const minReady = (asked: Asked): readonly Finding[] => {
  const ms = 1_000 * seconds(asked.stable, 'minReadySeconds');
  const limit = asked.spec.readyTimeoutMs;
  if (ms === 0 || 2 * ms <= limit) return [];
  const numbers = `minReadySeconds is ${formatDuration(ms)}, and \`ready-timeout\` is ${formatDuration(limit)}`;
  const advice = `Give \`ready-timeout\` ${formatDuration(ms)} more than pods take to start.`;
  return ms >= limit
    ? [finding(asked, 'error', `could never have new pods in time: ${numbers}.`, advice)]
    : [finding(asked, 'warning', `leaves new pods ${formatDuration(limit - ms)} to start: ${numbers}.`, advice)];
};

const progressDeadline = (asked: Asked): readonly Finding[] => {
  const ms = 1_000 * seconds(asked.stable, 'progressDeadlineSeconds');
  const limit = asked.spec.readyTimeoutMs;
  if (ms === 0 || ms >= limit) return [];
  const message = `gives up on new pods after ${formatDuration(ms)} (progressDeadlineSeconds), before \`ready-timeout\` (${formatDuration(limit)}) does: pods have the shorter of the two.`;
  return [finding(asked, 'warning', message, 'Raise progressDeadlineSeconds, or lower `ready-timeout` to it.')];
};

const history = (asked: Asked): readonly Finding[] =>
  fieldsOf(asked.stable.object['spec'])['revisionHistoryLimit'] === 0
    ? [
        finding(
          asked,
          'warning',
          'keeps no earlier version (revisionHistoryLimit: 0): `command: rollback` will find none after this release.',
          'Set revisionHistoryLimit to 1 or more.',
        ),
      ]
    : [];

const rows: readonly HazardRow[] = [
  {
    hazard: "stable's strategy is Recreate",
    handling: 'refuses; allowed, stable is recreated while the canary has all traffic',
    code: 'unsafe-strategy',
    override: '`allow: Recreate`; not with `route: replicas` or `promote-at: last-step`, where stable serves meanwhile',
  },
  {
    hazard: 'maxUnavailable and maxSurge let an update take every stable pod',
    handling: 'refuses; allowed, stable is updated while the canary has all traffic',
    code: 'unsafe-strategy',
    override:
      '`allow: maxUnavailable`; not with `route: replicas` or `promote-at: last-step`, where stable serves meanwhile',
  },
  {
    hazard: 'minReadySeconds',
    handling: 'pods count once they are available; refuses where `ready-timeout` is not longer, warns over half of it',
    code: 'unsafe-strategy',
    override: null,
  },
  {
    hazard: 'progressDeadlineSeconds below `ready-timeout`',
    handling: 'warns: pods have the shorter of the two',
    code: null,
    override: null,
  },
  {
    hazard: 'revisionHistoryLimit is 0',
    handling: 'warns: `command: rollback` will have nothing to go back to',
    code: null,
    override: null,
  },
  { hazard: 'stable is paused', handling: 'refuses', code: 'stable-not-healthy', override: null },
  {
    hazard: 'a StatefulSet, DaemonSet, Argo Rollout or Knative Service is named',
    handling: 'refuses, and says what it is',
    code: 'deployment-not-found',
    override: null,
  },
];

/** How stable is updated, and whether users would notice. */
export const strategy: Hazard = {
  name: 'strategy',
  rows,
  reads: () => [],
  permissions: [],
  find: (situation: Situation, seen: Seen) => {
    const stable = deploymentIn(seen, situation.target, 'stable');
    if (stable === null) return [];
    const asked: Asked = { ...situation, stable, where: refText(deploymentRef(situation.target, 'stable')) };
    return [recreate, unavailable, minReady, progressDeadline, history].flatMap((check) => check(asked));
  },
};
