import {
  type KubeObject,
  type ListRef,
  listIn,
  listRef,
  type ResourceKind,
  SERVICE,
  type Seen,
} from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Finding, ReasonCode } from '../core/reason.ts';
import { fieldsOf, listOf } from '../core/shape.ts';
import type { Hazard, HazardRow, Situation } from '../ports/hazard.ts';
import { deploymentIn } from '../workloads/arms.ts';
import { selects } from '../workloads/selectors.ts';
import { MANAGED_BY, MANAGER } from '../workloads/tracking.ts';

const GROUP = 'gateway.networking.k8s.io';
const INGRESS: ResourceKind = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', plural: 'ingresses' };
const ROUTES: readonly ResourceKind[] = [
  { apiVersion: `${GROUP}/v1`, kind: 'HTTPRoute', plural: 'httproutes' },
  { apiVersion: `${GROUP}/v1`, kind: 'GRPCRoute', plural: 'grpcroutes' },
];

/** As many are named; a namespace may hold hundreds. */
const MOST_NAMED = 5;

const UNSPLIT =
  'requests that come that way are not split: stable answers them, with the old version until it is updated itself';

// --- what leads to stable -----------------------------------------------------

/** The Services that select stable's pods; those that a rollout made are not the user's. */
const servicesOf = ({ target }: Situation, seen: Seen): readonly KubeObject[] => {
  const stable = deploymentIn(seen, target, 'stable');
  if (stable === null) return [];
  return listIn(seen, listRef(SERVICE, target.namespace)).filter(
    (service) => service.metadata.labels?.[MANAGED_BY] !== MANAGER && selects(service, stable.labels),
  );
};

const isNamed = ({ target }: Situation, { metadata }: KubeObject): boolean => metadata.name === target.service;

const backendsOfIngress = (ingress: KubeObject): readonly unknown[] => {
  const spec = fieldsOf(ingress['spec']);
  const paths = listOf(spec['rules']).flatMap((rule) => listOf(fieldsOf(fieldsOf(rule)['http'])['paths']));
  return [spec['defaultBackend'], ...paths.map((path) => fieldsOf(path)['backend'])].map(
    (backend) => fieldsOf(fieldsOf(backend)['service'])['name'],
  );
};

/** Without a weight of 0, which leads nobody anywhere. */
const backendsOfRoute = (route: KubeObject, namespace: string): readonly unknown[] =>
  listOf(fieldsOf(route['spec'])['rules']).flatMap((rule) =>
    listOf(fieldsOf(rule)['backendRefs']).flatMap((entry) => {
      const { kind = 'Service', namespace: inNamespace = namespace, name, weight } = fieldsOf(entry);
      return kind === 'Service' && inNamespace === namespace && weight !== 0 ? [name] : [];
    }),
  );

const leadsTo = (names: readonly unknown[], services: readonly KubeObject[]): readonly string[] =>
  services.map(({ metadata }) => metadata.name).filter((name) => names.includes(name));

const isOurs = ({ routes }: Target, route: KubeObject): boolean =>
  routes.some(({ kind, name }) => kind === route.kind && name === route.metadata.name);

// --- findings -----------------------------------------------------------------

const named = (objects: readonly KubeObject[]): string => {
  const names = objects.slice(0, MOST_NAMED).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  const more = objects.length > MOST_NAMED ? ` and ${objects.length - MOST_NAMED} more` : '';
  return `${names.join(', ')}${more}`;
};

const warning = (
  { target }: Situation,
  objects: readonly KubeObject[],
  { code, message, advice }: { readonly code: ReasonCode; readonly message: string; readonly advice: string },
): Finding => ({
  severity: 'warning',
  code,
  where: named(objects.slice(0, 1)),
  message,
  advice,
  beside: objects.map(({ kind, metadata }) => `${kind} ${target.namespace}/${metadata.name}`),
});

const ofServices = (situation: Situation, services: readonly KubeObject[]): readonly Finding[] => {
  const { target } = situation;
  const others = services.filter((service) => !isNamed(situation, service));
  if (others.length === 0 || target.service === null) return [];
  const verb = others.length === 1 ? 'selects' : 'select';
  return [
    warning(situation, others, {
      code: 'ambiguous-service',
      message: `${named(others)} ${verb} stable's pods beside Service ${target.service}: ${UNSPLIT}`,
      advice: `Callers that should be split must come by the route to Service ${target.service}. One that is only scraped, or leads to a port without users, changes nothing.`,
    }),
  ];
};

const ofIngresses = (situation: Situation, services: readonly KubeObject[], seen: Seen): readonly Finding[] => {
  const found = listIn(seen, listRef(INGRESS, situation.target.namespace)).filter(
    (ingress) => leadsTo(backendsOfIngress(ingress), services).length > 0,
  );
  if (found.length === 0) return [];
  const verb = found.length === 1 ? 'leads' : 'lead';
  return [
    warning(situation, found, {
      code: 'ambiguous-route',
      message: `${named(found)} ${verb} to stable's pods past the route: ${UNSPLIT}`,
      advice:
        'Move its hosts and paths to the route, or count on it that these users are on stable during the release.',
    }),
  ];
};

const kindOf = (kind: string): string => kind.toLowerCase();

const ofRoutes = (situation: Situation, services: readonly KubeObject[], seen: Seen): readonly Finding[] => {
  const { target } = situation;
  const found = ROUTES.flatMap((type) => listIn(seen, listRef(type, target.namespace))).filter(
    (route) => !isOurs(target, route) && leadsTo(backendsOfRoute(route, target.namespace), services).length > 0,
  );
  if (found.length === 0) return [];
  const verb = found.length === 1 ? 'leads' : 'lead';
  const lines = [
    ...target.routes.map(({ kind, name }) => `  ${kindOf(kind)}/${name}`),
    ...found.slice(0, MOST_NAMED).map(({ kind, metadata }) => `  ${kindOf(kind)}/${metadata.name}`),
  ];
  const canJoin = target.routes.length > 0 && found.every((route) => joins(route, situation));
  return [
    warning(situation, found, {
      code: 'ambiguous-route',
      message: `${named(found)} ${verb} to stable's pods too, and ${found.length === 1 ? 'is' : 'are'} not named in \`route\`: their users stay on stable until promotion`,
      advice: canJoin
        ? `Name all of them to split all of them:\nroute: |\n${lines.join('\n')}`
        : 'Only routes to the Service that is released can be split with it.',
    }),
  ];
};

/** Only what leads to the named Service itself can be split with the others. */
const joins = (route: KubeObject, { target }: Situation): boolean =>
  backendsOfRoute(route, target.namespace).includes(target.service);

// --- the hazard -----------------------------------------------------------------

const rows: readonly HazardRow[] = [
  {
    hazard: "a second Service that selects stable's pods (headless, internal)",
    handling:
      "warns: its callers are not split; what reaches stable past the route is measured, and 'all traffic' is not said",
    code: null,
    override: null,
  },
  {
    hazard: "an Ingress that leads to stable's pods",
    handling: 'warns: its users stay on stable until promotion',
    code: null,
    override: null,
  },
  {
    hazard: "a route that leads to stable's pods and is not named in `route`",
    handling: 'warns, with the `route:` block that names all; none named: refuses',
    code: 'ambiguous-route',
    override: '`route: KIND/NAME`, one per line',
  },
];

const readsOf = ({ target }: Situation): readonly ListRef[] =>
  [SERVICE, INGRESS, ...ROUTES].map((type) => listRef(type, target.namespace));

/**
 * Ways to stable's pods that the route does not split. Who calls the address of the Service itself cannot be seen in any
 * object: that is only measured (`core/outside.ts`).
 */
export const otherPaths: Hazard = {
  name: 'other-paths',
  rows,
  reads: readsOf,
  permissions: [
    ...ROUTES.map(({ plural }) => ({
      group: GROUP,
      resource: plural,
      verbs: [],
      optional: ['list'],
      why: 'warn of routes that are not split',
    })),
    {
      group: 'networking.k8s.io',
      resource: INGRESS.plural,
      verbs: [],
      optional: ['list'],
      why: "warn of Ingresses that lead to stable's pods",
    },
  ],
  find: (situation, seen) => {
    const services = servicesOf(situation, seen);
    // Where pods are the weight, whatever leads to the Service is split.
    const unsplit =
      situation.spec.route?.kind === 'replicas' ? services.filter((one) => !isNamed(situation, one)) : services;
    return [
      ...ofServices(situation, services),
      ...ofRoutes(situation, unsplit, seen),
      ...ofIngresses(situation, unsplit, seen),
    ];
  },
};
