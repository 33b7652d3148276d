import { formatWeight } from '../../core/format.ts';
import { groupOf, type ObjectRef, objectIn, type Permission, refKey, refText, type Seen } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import { fieldsOf, listOf } from '../../core/shape.ts';
import { type Traffic, weightOnly } from '../../core/traffic.ts';
import { ALL_TRAFFIC, ok, problem, type Result } from '../../core/units.ts';
import type { RouteKind, TrafficRouter } from '../../ports/traffic-router.ts';
import { checkRoutes, fieldsIn } from './check.ts';
import { currentShare } from './current.ts';
import { backwardPatch, changeFor, fixWeight, forwardPatch, type RuleChange, restoreFor, returnFor } from './patch.ts';
import { locate, originalOf, recordsIn, STEP } from './record.ts';
import { type Route, readRoute, refersTo, ruleText } from './rules.ts';
import { acceptance, GENERIC_SETTLE, settleOf } from './status.ts';

const GROUP = 'gateway.networking.k8s.io';

const kindOf = (kind: string, plural: string): RouteKind => ({
  apiVersion: `${GROUP}/v1`,
  kind,
  plural,
  aliases: [kind.toLowerCase(), plural],
  versions: ['v1'],
});
const KINDS: readonly RouteKind[] = [kindOf('HTTPRoute', 'httproutes'), kindOf('GRPCRoute', 'grpcroutes')];

const PERMISSIONS: readonly Permission[] = KINDS.flatMap(({ kind, plural }) => [
  { group: GROUP, resource: plural, verbs: ['get', 'patch'], why: `write the weights of a ${kind}` },
  { group: GROUP, resource: plural, verbs: ['list'], why: `find the ${kind} when \`route\` is not given` },
]);

const candidates: TrafficRouter['candidates'] = (objects, service) =>
  objects.flatMap((object): readonly ObjectRef[] => {
    const kind = KINDS.find((one) => one.kind === object.kind);
    const { name, namespace = service.namespace } = object.metadata;
    if (kind === undefined || groupOf({ ...kind, apiVersion: object.apiVersion }) !== GROUP) return [];
    const leads = listOf(fieldsOf(object['spec'])['rules']).some((rule) =>
      listOf(fieldsOf(rule)['backendRefs']).some((entry) => refersTo(fieldsOf(entry), namespace, service)),
    );
    const { plural } = kind;
    return leads ? [{ apiVersion: object.apiVersion, kind: kind.kind, plural, namespace, name }] : [];
  });

const unsupported = ({ canary, cohort, mirror }: Traffic): string | null => {
  if (cohort !== null || mirror > 0) return 'headers, cookies and mirrors are not in this version';
  const whole = Number.isInteger(canary) && canary % STEP === 0;
  return whole && canary >= 0 && canary <= ALL_TRAFFIC ? null : `no weight can be ${canary / 100} %`;
};

const readAll = (seen: Seen, target: Target): Result<readonly Route[], string> => {
  const routes: Route[] = [];
  for (const ref of target.routes) {
    const route = readRoute(seen, ref, target);
    if (!route.ok) return problem(route.problem.text);
    routes.push(route.value);
  }
  return ok(routes);
};

/** The routes that can be read: the way back and the restoring do what they can for each. */
const readable = (seen: Seen, target: Target): readonly Route[] =>
  target.routes.flatMap((ref) => {
    const route = readRoute(seen, ref, target);
    return route.ok ? [route.value] : [];
  });

const plan: TrafficRouter['plan'] = (seen, target, want, guard, original) => {
  const wrong = unsupported(want);
  const routes = readAll(seen, target);
  if (wrong !== null) return problem(wrong);
  if (!routes.ok) return routes;
  const requests = [];
  for (const route of routes.value) {
    const records = recordsIn(original, route);
    const { ours, strange } = locate(route, records);
    const where = refText(route.ref);
    if (records.length === 0) return problem(`${where}: the weights it had at the start are not known`);
    const changes: RuleChange[] = [];
    for (const { record, rule } of ours) {
      if (rule === null) return problem(`${where}: the rule that was spec.rules[${record.index}] at the start is gone`);
      const change = changeFor(rule, record, target, want.canary);
      if (!change.ok) return problem(`${where}: ${change.problem}`);
      changes.push(change.value);
    }
    const copied = strange[0];
    if (copied !== undefined)
      return problem(`${where}: ${ruleText(copied)} was added with an entry of Service ${target.canaryService}`);
    requests.push(...forwardPatch(route, guard.holder, changes));
  }
  return ok(requests);
};

const verify: TrafficRouter['verify'] = (seen, target, want, original) => {
  const routes = readAll(seen, target);
  if (!routes.ok) return { kind: 'pending', waitingFor: routes.problem };
  const share = currentShare(routes.value, target, original);
  if (!share.ok) return { kind: 'pending', waitingFor: share.problem };
  if (share.value !== want.canary)
    return {
      kind: 'pending',
      waitingFor: `the routes to give the canary ${formatWeight(want.canary)} (they give ${formatWeight(share.value)})`,
    };
  const verdicts = routes.value.flatMap((route) => acceptance(route) ?? []);
  return verdicts.find(({ kind }) => kind === 'refused') ?? verdicts[0] ?? { kind: 'reached', rung: 'V1' };
};

/**
 * Kubernetes Gateway API: the weights of `backendRefs` in HTTPRoute and GRPCRoute.
 * https://gateway-api.sigs.k8s.io/reference/spec/#httpbackendref (weight: 0 to 1000000, relative, 1 when absent)
 */
export const gatewayApi: TrafficRouter = {
  name: 'gateway-api',
  title: 'Kubernetes Gateway API: HTTPRoute and GRPCRoute',
  kinds: KINDS,
  abilities: {
    unit: 'requests',
    granularity: STEP,
    rung: 'V1',
    settleMs: GENERIC_SETTLE,
    zeroWeightEntry: true,
    allTraffic: true,
    header: false,
    cookie: false,
    mirror: false,
  },
  permissions: PERMISSIONS,
  candidates,
  reads: ({ routes }) => routes,
  check: checkRoutes,
  original: originalOf,
  current: (seen, target, original) => {
    const routes = readAll(seen, target);
    const share = routes.ok ? currentShare(routes.value, target, original) : routes;
    return share.ok ? ok(weightOnly(share.value)) : share;
  },
  plan,
  wayBack: (seen, target, guard) =>
    readable(seen, target).flatMap((route) =>
      backwardPatch(
        route,
        guard.wayBack,
        route.rules.map((rule) => returnFor(rule, target)),
      ),
    ),
  returns: (seen, target, guard) =>
    readable(seen, target).flatMap((route) =>
      backwardPatch(
        route,
        guard.wayBack,
        route.rules.map((rule) => returnFor(rule, target, fixWeight)),
      ),
    ),
  restore: (seen, target, original, guard) =>
    readable(seen, target).flatMap((route) => {
      const { ours, strange } = locate(route, recordsIn(original, route));
      const rules = [...ours, ...strange.map((rule) => ({ record: null, rule }))];
      const changes = rules.flatMap(({ record, rule }) => (rule === null ? [] : [restoreFor(rule, record, target)]));
      return forwardPatch(route, guard.holder, changes);
    }),
  verify,
  settleMs: (seen, target) => settleOf(target.routes.flatMap((ref) => objectIn(seen, ref) ?? [])),
  fields: (seen, target) =>
    Object.fromEntries(readable(seen, target).map((route) => [refKey(route.ref), fieldsIn(route, target)])),
};
