import { fitName, markField } from '../core/marks.ts';
import { CONFIG_MAP, groupOf, type KubeObject, type ObjectRef, objectRef, type Request } from '../core/objects.ts';
import type { Plan, Target } from '../core/plan.ts';
import type { WatchdogSpec } from '../core/spec.ts';
import { storeName } from '../core/store-name.ts';
import type { Json, Ms } from '../core/units.ts';
import type { WatchdogOrders } from '../ports/watchdog.ts';
import { SEES_SCRIPT, WATCHDOG_SCRIPT } from './script.ts';

export const JOB = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' } as const;

/** A Job's name is a label of its pods. */
const NAME_LIMIT = 63;
const LOOK_EVERY_SECONDS = 5;
/** What the end of a rollout may take beyond its `timeout`. */
const RESERVE_SECONDS = 3600;
/** Long enough to read the log of one that ended. */
const KEPT_SECONDS = 3600;
/** Each restart of its container counts; the pauses between them grow to five minutes. */
const RESTARTS = 100;
/** Any number but 0: many images with kubectl run as root unless they are told not to. */
const USER = 65_532;
const HOME = '/tmp';

export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'canary-rollout' } as const;

/** A proxy beside it would keep the Job from its end, and would stand between it and the API server. */
const NO_MESH_LABELS = {
  'sidecar.istio.io/inject': 'false',
  'istio.io/dataplane-mode': 'none',
  'kuma.io/sidecar-injection': 'disabled',
} as const;
const NO_MESH_ANNOTATIONS = {
  'sidecar.istio.io/inject': 'false',
  'linkerd.io/inject': 'disabled',
  'kuma.io/sidecar-injection': 'disabled',
  'consul.hashicorp.com/connect-inject': 'false',
  'openservicemesh.io/sidecar-injection': 'disabled',
} as const;

export const watchdogName = (deployment: string): string => fitName(`${deployment}-canary-watchdog`, NAME_LIMIT);

export const jobRef = ({ namespace, deployment }: Target): ObjectRef =>
  objectRef(JOB, namespace, watchdogName(deployment));

export const stateRef = ({ namespace, deployment }: Target): ObjectRef =>
  objectRef(CONFIG_MAP, namespace, storeName(deployment));

/** Kubernetes replaces `$(NAME)` in arguments and variables, and `$$` by `$`. */
const literal = (text: string): string => text.replaceAll('$', '$$$$');

/** `httproutes.v1.gateway.networking.k8s.io`: no other kind of that name can be meant. */
const resourceText = (ref: ObjectRef): string => {
  const version = ref.apiVersion.split('/').at(-1) ?? '';
  return groupOf(ref) === '' ? ref.plural : `${ref.plural}.${version}.${groupOf(ref)}`;
};

const markJsonPath = (kind: string, key: string): string =>
  `{.metadata.${markField(kind)}.${key.replaceAll('.', '\\.')}}`;

const argumentsOf = ({ returns, guard }: WatchdogOrders): readonly string[] =>
  returns.flatMap(({ ref, body }) => [
    resourceText(ref),
    ref.name,
    markJsonPath(ref.kind, guard.wayBack.key),
    JSON.stringify(body),
  ]);

const lastResortOf = (request: Request | null, { guard }: WatchdogOrders): Readonly<Record<string, string>> => ({
  LAST_NAME: request?.ref.name ?? '',
  LAST_MARK: request === null ? '' : markJsonPath(request.ref.kind, guard.wayBack.key),
  LAST_PATCH: request === null ? '' : JSON.stringify(request.body),
});

const variablesOf = (orders: WatchdogOrders, stateUid: string, afterMs: Ms): Readonly<Record<string, string>> => ({
  NAMESPACE: orders.plan.target.namespace,
  STORE: storeName(orders.plan.target.deployment),
  STATE: stateUid,
  ROLLOUT: orders.guard.wayBack.value,
  AFTER: String(seconds(afterMs)),
  EVERY: String(LOOK_EVERY_SECONDS),
  ...lastResortOf(orders.lastResort, orders),
  // Since the machine's start: monotonic.
  CLOCK: '/proc/uptime',
  HOME,
});

const seconds = (ms: Ms): number => Math.ceil(ms / 1000);

const containerOf = (orders: WatchdogOrders, stateUid: string, { image, afterMs }: WatchdogSpec): Json => ({
  name: 'watchdog',
  image,
  command: ['sh', '-c', WATCHDOG_SCRIPT],
  args: ['watchdog', ...argumentsOf(orders).map(literal)],
  env: Object.entries(variablesOf(orders, stateUid, afterMs)).map(([name, value]) => ({ name, value: literal(value) })),
  readinessProbe: { exec: { command: ['sh', '-c', SEES_SCRIPT] }, periodSeconds: 10, timeoutSeconds: 5 },
  resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '500m', memory: '128Mi' } },
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  },
  volumeMounts: [{ name: 'home', mountPath: HOME }],
});

const podSpec = (orders: WatchdogOrders, stateUid: string, spec: WatchdogSpec): Json => ({
  serviceAccountName: spec.serviceAccount,
  automountServiceAccountToken: true,
  enableServiceLinks: false,
  restartPolicy: 'OnFailure',
  terminationGracePeriodSeconds: 10,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: USER,
    runAsGroup: USER,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  containers: [containerOf(orders, stateUid, spec)],
  volumes: [{ name: 'home', emptyDir: { sizeLimit: '64Mi' } }],
});

const lifeSeconds = ({ timings, conduct }: Plan): number =>
  seconds(timings.timeoutMs) + seconds(conduct.holdMs) + RESERVE_SECONDS;

/**
 * The Job of a rollout. It carries none of the arms' labels, so that no Service selects it, and it is owned by the state's
 * ConfigMap: whoever removes that removes the Job.
 */
export const jobOf = (orders: WatchdogOrders, stateUid: string, spec: WatchdogSpec): KubeObject => {
  const { target } = orders.plan;
  const state = stateRef(target);
  return {
    apiVersion: JOB.apiVersion,
    kind: JOB.kind,
    metadata: {
      name: jobRef(target).name,
      namespace: target.namespace,
      labels: MANAGED_BY,
      annotations: target.annotations,
      ownerReferences: [{ apiVersion: state.apiVersion, kind: state.kind, name: state.name, uid: stateUid }],
    },
    spec: {
      backoffLimit: RESTARTS,
      activeDeadlineSeconds: lifeSeconds(orders.plan),
      ttlSecondsAfterFinished: KEPT_SECONDS,
      template: {
        metadata: {
          labels: { ...MANAGED_BY, ...NO_MESH_LABELS },
          annotations: NO_MESH_ANNOTATIONS,
        },
        spec: podSpec(orders, stateUid, spec),
      },
    },
  };
};
