import {
  DEPLOYMENT,
  type KubeObject,
  listIn,
  listRef,
  objectIn,
  objectRef,
  refText,
  SERVICE,
  type Seen,
} from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { fieldsOf, listOf } from '../core/shape.ts';
import type { Hazard, Situation } from '../ports/hazard.ts';
import { selects } from '../workloads/selectors.ts';
import { deploymentOf } from '../workloads/shape.ts';

const pods = (count: number): string => `${count} ${count === 1 ? 'pod' : 'pods'}`;

/** Where pods are the weight, the pair's leave the Service before the first one of the new version is there. */
const capacityFindings = ({ target, plan }: Situation): readonly Finding[] => {
  const first = plan?.steps[0]?.canaryReplicas;
  if (target.pair === null || target.canaryService !== null || plan === null || first === undefined) return [];
  const { replicas } = target.pair;
  const where = refText(objectRef(DEPLOYMENT, target.namespace, target.canaryDeployment));
  const text = `${where} runs ${pods(replicas)} of the version before, which leave the Service for the time of the rollout: until the canary grows, the ${pods(plan.stableReplicas)} of stable serve everybody`;
  const found = { code: 'route-unsupported', where, message: text } as const;
  if (replicas === 0) return [];
  if (replicas <= first) return [{ ...found, severity: 'warning', advice: null }];
  return [
    {
      ...found,
      severity: 'error',
      message: `${text}. The first weight brings only ${first} of them back`,
      advice: `Scale it to ${pods(first)} or fewer first, begin with a larger weight, or run more stable pods`,
      allow: `Deployment/${target.canaryDeployment}`,
    },
  ];
};

/** Services of the user's that select the pair's pods and not stable's. */
const ownServices = (target: Target, seen: Seen): readonly string[] => {
  const stable = objectIn(seen, objectRef(DEPLOYMENT, target.namespace, target.deployment));
  const pair = objectIn(seen, objectRef(DEPLOYMENT, target.namespace, target.canaryDeployment));
  if (stable === null || pair === null) return [];
  return listIn(seen, listRef(SERVICE, target.namespace))
    .filter((one) => selects(one, deploymentOf(pair).labels) && !selects(one, deploymentOf(stable).labels))
    .map(({ metadata }) => metadata.name)
    .filter((name) => name !== target.canaryService);
};

/** Backends of a route that get requests, however deep they stand in it: an absent weight is 1. */
const backendsOf = (value: unknown): readonly string[] =>
  Object.entries(fieldsOf(value)).flatMap(([key, member]) => {
    const items = Array.isArray(member) ? listOf(member) : [member];
    if (key !== 'backendRefs') return items.flatMap(backendsOf);
    return items
      .map(fieldsOf)
      .filter(({ weight, kind }) => weight !== 0 && (kind ?? 'Service') === 'Service')
      .flatMap(({ name }) => (typeof name === 'string' ? [name] : []));
  });

const splitFindings = (route: KubeObject, target: Target, services: readonly string[]): readonly Finding[] => {
  const where = `${route.kind} ${target.namespace}/${route.metadata.name}`;
  return [...new Set(backendsOf(route['spec']))]
    .filter((name) => services.includes(name))
    .map((name) => ({
      severity: 'error',
      code: 'route-unsupported',
      where,
      message: `${where} already sends requests to Service ${name}, which leads to ${target.canaryDeployment} alone: they would meet the new version before it is judged.`,
      advice: `Set the weight of ${name} to 0, or take it out of the route: the rollout adds an entry of its own.`,
    }));
};

/** Two versions kept side by side by hand. What can be seen before a plan is made is found where the target is (workloads/pair). */
export const pair: Hazard = {
  name: 'pair',
  rows: [
    {
      hazard: 'a canary Deployment of your own, kept beside stable by hand (`canary-deployment`)',
      handling:
        'sets its image and scales it, judges it, and gives it back: its replicas and, unless promoted, its image as they were; never deleted',
      code: null,
      override: null,
    },
    {
      hazard: 'a pair that is paused, in the middle of a rollout, or being deleted',
      handling: 'refuses before the first write',
      code: 'canary-not-ready',
      override: null,
    },
    {
      hazard: 'a pair behind one Service that already runs the new version',
      handling: 'refuses before the first write: users meet it before it is judged',
      code: 'canary-not-ready',
      override: null,
    },
    {
      hazard: "a pair whose selector and stable's select each other's pods",
      handling: 'refuses before the first write',
      code: 'unsafe-labels',
      override: null,
    },
    {
      hazard: 'a pair behind one Service, with a route that splits requests; or behind two, with `route: replicas`',
      handling: 'refuses before the first write: the split would not be the one asked for',
      code: 'ambiguous-service',
      override: '`allow: Service/NAME`, for one that the route does not lead to',
    },
    {
      hazard: "a route that sends requests to the pair's own Service already",
      handling: 'refuses before the first write; an entry of weight 0 is left as it is',
      code: 'route-unsupported',
      override: null,
    },
    {
      hazard: 'a pair behind one Service with more pods than the first weight asks for',
      handling: 'refuses before the first write: stable alone would serve what both did',
      code: 'route-unsupported',
      override: '`allow: Deployment/NAME`',
    },
    {
      hazard: 'a pair that is owned by a controller, or held by the rollout of another Deployment',
      handling: 'refuses before the first write',
      code: 'owned-by-controller',
      override: null,
    },
    {
      hazard: 'a pair with other configuration than stable',
      handling: 'warns, with the places: it is judged with its own, and stable keeps its own',
      code: null,
      override: null,
    },
  ],
  reads: ({ target }) => (target.pair === null ? [] : [listRef(SERVICE, target.namespace)]),
  permissions: [],
  find: (situation, seen) => {
    const { target } = situation;
    if (target.pair === null) return [];
    const services = ownServices(target, seen);
    const routes = target.routes.map((ref) => objectIn(seen, ref)).filter((one) => one !== null);
    return [...capacityFindings(situation), ...routes.flatMap((route) => splitFindings(route, target, services))];
  },
};
