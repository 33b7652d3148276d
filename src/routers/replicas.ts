import { formatWeight } from '../core/format.ts';
import { addAt, jsonPatch, type Operation, testOf } from '../core/json-patch.ts';
import { type Mark, markPath } from '../core/marks.ts';
import {
  DEPLOYMENT,
  ENDPOINT_SLICE,
  type KubeObject,
  type ListRef,
  listIn,
  listRef,
  type ObjectRef,
  objectIn,
  objectRef,
  refKey,
  refText,
  SERVICE,
  type Seen,
} from '../core/objects.ts';
import { isUntouched } from '../core/pair.ts';
import type { Target } from '../core/plan.ts';
import { podShare, podsFor } from '../core/pod-share.ts';
import type { Finding } from '../core/reason.ts';
import { countOf, fieldsOf, listOf, textOf } from '../core/shape.ts';
import { type Traffic, type Verification, weightOnly } from '../core/traffic.ts';
import { type BasisPoints, type Json, ok, problem } from '../core/units.ts';
import type { TrafficRouter } from '../ports/traffic-router.ts';

const stableRef = (target: Target): ObjectRef => objectRef(DEPLOYMENT, target.namespace, target.deployment);
const canaryRef = (target: Target): ObjectRef => objectRef(DEPLOYMENT, target.namespace, target.canaryDeployment);
const serviceRef = (target: Target): ObjectRef | null =>
  target.service === null ? null : objectRef(SERVICE, target.namespace, target.service);
const slicesRef = (target: Target): ListRef | null =>
  target.service === null
    ? null
    : listRef(ENDPOINT_SLICE, target.namespace, `kubernetes.io/service-name=${target.service}`);

/** The API server defaults an absent count to 1. null: the Deployment does not exist, or the count is none. */
const replicasOf = (deployment: KubeObject | null): number | null => {
  if (deployment === null) return null;
  const replicas = fieldsOf(deployment['spec'])['replicas'];
  return replicas === undefined ? 1 : countOf(replicas);
};

/** Pods of the new version that are asked for: a pair that runs what it was found with has none. */
const canaryPods = (target: Target, canary: KubeObject | null): number =>
  canary === null || isUntouched(target, canary) ? 0 : (replicasOf(canary) ?? 0);

const startOf = (original: Json | undefined): number => countOf(fieldsOf(original)['stableReplicas']) ?? 0;

/** Pods of stable that shares are measured against: never fewer than at the start. */
const baseOf = (seen: Seen, target: Target, original: Json | undefined): number =>
  Math.max(startOf(original), replicasOf(objectIn(seen, stableRef(target))) ?? 0);

/**
 * The share as the plan counts it. Where stable has grown since the start, the plan's step that asks for just so many
 * pods now: whole pods beside more stable ones give another share than the one that was planned.
 */
const plannedShare = (canary: number, stable: number, original: Json | undefined): BasisPoints => {
  const start = startOf(original);
  if (start > 0 && stable > start) {
    const near = Math.floor((canary * start) / stable);
    for (const pods of [near, near + 1]) {
      const share = podShare(pods, start);
      if (podsFor(share, stable) === canary) return share;
    }
  }
  return podShare(canary, stable);
};

const current: TrafficRouter['current'] = (seen, target, original) => {
  const stable = replicasOf(objectIn(seen, stableRef(target)));
  if (stable === null) return problem(`${refText(stableRef(target))} does not exist`);
  return ok(weightOnly(plannedShare(canaryPods(target, objectIn(seen, canaryRef(target))), stable, original)));
};

const unsupported = ({ cohort, mirror }: Traffic): string | null =>
  cohort === null && mirror === 0 ? null : 'replicas can neither follow headers or cookies nor mirror';

const scale = (canary: KubeObject, target: Target, replicas: number, mark: Mark): readonly Operation[] => [
  testOf(markPath('Deployment', mark), mark.value),
  ...(canary.metadata.uid === undefined ? [] : [testOf('/metadata/uid', canary.metadata.uid)]),
  testOf('/metadata/name', target.canaryDeployment),
  addAt('/spec/replicas', replicas),
];

const plan: TrafficRouter['plan'] = (seen, target, want, guard, original) => {
  const wrong = unsupported(want);
  if (wrong !== null) return problem(wrong);
  const stable = baseOf(seen, target, original);
  if (stable === 0) return problem(`${refText(stableRef(target))} has no replicas to share traffic with`);
  const replicas = podsFor(want.canary, stable);
  if (replicas === null)
    return problem(`with replicas, ${formatWeight(want.canary)} is out of reach: stable keeps all its pods`);
  const canary = objectIn(seen, canaryRef(target));
  if (canary === null) return replicas === 0 ? ok([]) : problem(`${refText(canaryRef(target))} does not exist`);
  return canaryPods(target, canary) === replicas
    ? ok([])
    : ok([jsonPatch(canaryRef(target), scale(canary, target, replicas, guard.holder))]);
};

/** How the API server begins the names of a Deployment's pods: it cuts what it generates from at 58 characters. */
const podPrefix = (deployment: string): string => `${deployment}-`.slice(0, 58);

/** Ready canary pods in the Service's slices; a pod with two address families is in two of them. */
const readyEndpoints = (slices: readonly KubeObject[], target: Target): number => {
  const [canary, stable] = [podPrefix(target.canaryDeployment), podPrefix(target.deployment)];
  // A pair may be called `checkout` beside a stable `checkout-primary`.
  const isStables = (pod: string): boolean => stable.length > canary.length && pod.startsWith(stable);
  const ready = slices.flatMap((slice) =>
    listOf(slice['endpoints'])
      .map(fieldsOf)
      .filter(
        ({ conditions }) => fieldsOf(conditions)['ready'] !== false && fieldsOf(conditions)['terminating'] !== true,
      )
      .map(({ targetRef }) => textOf(fieldsOf(targetRef)['name']) ?? '')
      .filter((pod) => pod.startsWith(canary) && !isStables(pod)),
  );
  return new Set(ready).size;
};

const readiness = (seen: Seen, target: Target, canary: KubeObject | null, wanted: number): Verification => {
  const pending = (waitingFor: string): Verification => ({ kind: 'pending', waitingFor });
  const status = fieldsOf(canary?.['status']);
  if (canary !== null && (countOf(status['observedGeneration']) ?? 0) < (canary.metadata.generation ?? 0))
    return pending(`the controller to see the change of ${refText(canaryRef(target))}`);
  const ready = countOf(status['readyReplicas']) ?? 0;
  if (ready !== wanted) return pending(`${wanted} ready pods of the canary (${ready} are)`);
  const slices = slicesRef(target);
  // A look that left the slices out has only the Deployment's word.
  if (slices !== null && !seen.lists.has(refKey(slices))) return { kind: 'reached', rung: 'V1' };
  const endpoints = slices === null ? wanted : readyEndpoints(listIn(seen, slices), target);
  return endpoints === wanted
    ? { kind: 'reached', rung: 'V2' }
    : pending(`${wanted} endpoints of the canary in Service ${target.service} (${endpoints} are)`);
};

const verify: TrafficRouter['verify'] = (seen, target, want, original) => {
  const canary = objectIn(seen, canaryRef(target));
  const wanted = podsFor(want.canary, baseOf(seen, target, original));
  const replicas = canaryPods(target, canary);
  if (wanted === 0 && canary !== null && isUntouched(target, canary)) return { kind: 'reached', rung: 'V2' };
  return wanted === null || replicas !== wanted
    ? { kind: 'pending', waitingFor: `${refText(canaryRef(target))} to have ${wanted} replicas (it has ${replicas})` }
    : readiness(seen, target, canary, wanted);
};

/** What makes a share of pods another one than the share of requests. */
const serviceWarnings = (seen: Seen, target: Target): readonly Finding[] => {
  const ref = serviceRef(target);
  const service = ref === null ? null : objectIn(seen, ref);
  if (ref === null || service === null) return [];
  const spec = fieldsOf(service['spec']);
  const warn = (message: string): Finding => ({
    severity: 'warning',
    code: 'route-unsupported',
    message: `${refText(ref)} ${message}`,
    where: refText(ref),
    advice: null,
  });
  return [
    ...(spec['sessionAffinity'] === 'ClientIP'
      ? [warn('has sessionAffinity ClientIP: clients stay with the version that they met first')]
      : []),
    ...(spec['internalTrafficPolicy'] === 'Local' || typeof spec['trafficDistribution'] === 'string'
      ? [warn('prefers near pods: the share depends on where canary pods run')]
      : []),
  ];
};

const check: TrafficRouter['check'] = (seen, target) => {
  const ref = stableRef(target);
  const stable = objectIn(seen, ref);
  const replicas = replicasOf(stable);
  const refuse = (code: Finding['code'], message: string): readonly Finding[] => [
    { severity: 'error', code, message, where: refText(ref), advice: null },
  ];
  if (stable === null) return refuse('deployment-not-found', `${refText(ref)} does not exist`);
  if (replicas === null) return refuse('route-unsupported', `${refText(ref)}: spec.replicas is not a number of pods`);
  if (replicas === 0) return refuse('stable-not-healthy', `${refText(ref)} has no replicas to share traffic with`);
  return serviceWarnings(seen, target);
};

/** The ratio of pods behind one Service, or behind none: what is split is connections, or what workers take from a queue. */
export const replicas: TrafficRouter = {
  name: 'replicas',
  title: 'Number of pods: plain Services, and workers without one',
  kinds: [],
  abilities: {
    unit: 'pods',
    granularity: 1,
    rung: 'V2',
    // kube-proxy follows EndpointSlices within a second; its default minimum between two syncs is 1 s.
    settleMs: 2000,
    zeroWeightEntry: false,
    allTraffic: false,
    header: false,
    cookie: false,
    mirror: false,
  },
  permissions: [
    { group: 'apps', resource: 'deployments', verbs: ['get', 'patch'], why: 'scale the canary' },
    {
      group: '',
      resource: 'services',
      verbs: ['get'],
      why: 'see whether the Service keeps sessions or prefers near pods',
    },
    {
      group: 'discovery.k8s.io',
      resource: 'endpointslices',
      verbs: ['list'],
      why: 'see canary pods among the endpoints',
    },
  ],
  candidates: () => [],
  reads: (target) =>
    [stableRef(target), canaryRef(target), serviceRef(target), slicesRef(target)].filter((ref) => ref !== null),
  check,
  original: (seen, target) => ({ stableReplicas: replicasOf(objectIn(seen, stableRef(target))) ?? 0 }),
  current,
  plan,
  wayBack: (seen, target, guard) => {
    const canary = objectIn(seen, canaryRef(target));
    return canaryPods(target, canary) === 0 || canary === null
      ? []
      : [jsonPatch(canaryRef(target), scale(canary, target, 0, guard.wayBack))];
  },
  returns: (seen, target, guard) => {
    const canary = objectIn(seen, canaryRef(target));
    return canary === null ? [] : [jsonPatch(canaryRef(target), scale(canary, target, 0, guard.wayBack))];
  },
  restore: () => [],
  verify,
  fields: (_seen, target) => ({
    [refKey(canaryRef(target))]: [
      'spec.replicas',
      // The user's own gets the new version by the patch that takes its pods out of the Service.
      ...(target.pair === null ? [] : ['spec.template.spec.containers[].image']),
    ],
  }),
};
