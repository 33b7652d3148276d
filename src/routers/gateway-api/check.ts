import { guardOf, MARK_PREFIX } from '../../core/marks.ts';
import { refText, type Seen } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import type { Finding, ReasonCode } from '../../core/reason.ts';
import type { Json } from '../../core/units.ts';
import { fits, locate, MAX_WEIGHT, recordOf, recordsIn } from './record.ts';
import { ofRole, type Route, type Rule, readRoute, ruleText } from './rules.ts';
import { conditionOf, conditionText, parentsOf } from './status.ts';

/** The CRD's limit: `rules[].backendRefs` has maxItems 16. */
const MAX_BACKENDS = 16;

const finding = (
  severity: Finding['severity'],
  code: ReasonCode,
  route: Route,
  message: string,
  advice: string | null = null,
): Finding => ({ severity, code, message, where: refText(route.ref), advice });

/** What other tools leave on a route that they write themselves. */
const ownerOf = ({ object }: Route): string | null => {
  if (object.metadata.annotations?.['argo-rollouts.argoproj.io/managed-by-rollouts'] !== undefined)
    return 'Argo Rollouts writes its weights (annotation managed-by-rollouts)';
  const owner = object.metadata.ownerReferences?.find(
    ({ controller, kind, apiVersion }) =>
      controller === true || kind === 'Canary' || kind === 'Rollout' || /(^|\.)knative\.dev\//.test(apiVersion),
  );
  return owner === undefined ? null : `it belongs to ${owner.kind} ${owner.name}`;
};

const marksOf = (route: Route): readonly string[] =>
  Object.keys(route.object.metadata.annotations ?? {}).filter((key) => key.startsWith(MARK_PREFIX));

/** Whether this rollout has claimed the route: entries of the canary are its own then. */
const isClaimed = (route: Route, target: Target): boolean => {
  const guard = guardOf(target.namespace, target.deployment, '', '');
  return marksOf(route).some((key) => key === guard.holder.key || key === guard.wayBack.key);
};

const isShared = (route: Route, target: Target): boolean => {
  const guard = guardOf(target.namespace, target.deployment, '', '');
  return marksOf(route).some((key) => key !== guard.holder.key && key !== guard.wayBack.key);
};

const objectFindings = (route: Route): readonly Finding[] => {
  const owner = ownerOf(route);
  return [
    ...(owner === null
      ? []
      : [finding('error', 'owned-by-controller', route, `${refText(route.ref)} has another controller: ${owner}`)]),
    ...(route.object.metadata.deletionTimestamp === undefined
      ? []
      : [finding('error', 'route-unsupported', route, `${refText(route.ref)} is being deleted`)]),
  ];
};

const acceptanceFindings = (route: Route, claimed: boolean): readonly Finding[] => {
  const refuse = (text: string): Finding => finding('error', 'route-not-accepted', route, text);
  const parents = parentsOf(route);
  if (parents.length === 0) return [refuse(`${refText(route.ref)} has no parentRefs, so that no gateway serves it`)];
  return parents.flatMap(({ text, statuses }) => {
    if (statuses.length === 0)
      return [refuse(`${text} says nothing about ${refText(route.ref)}: does its controller run?`)];
    return statuses.flatMap((status) => {
      const accepted = conditionOf(status, 'Accepted');
      const resolved = conditionOf(status, 'ResolvedRefs');
      if (accepted?.['status'] !== 'True')
        return [
          refuse(`${text} does not accept ${refText(route.ref)}${accepted ? `: ${conditionText(accepted)}` : ''}`),
        ];
      // A new backend may be unknown for a moment; before the first write nothing is new.
      return !claimed && resolved?.['status'] === 'False'
        ? [refuse(`${text} does not find all backends of ${refText(route.ref)}: ${conditionText(resolved)}`)]
        : [];
    });
  });
};

const splitFindings = (route: Route, rule: Rule, target: Target): readonly Finding[] => {
  const refuse = (text: string, advice: string | null = null): readonly Finding[] => [
    finding('error', 'route-unsupported', route, `${refText(route.ref)}: ${ruleText(rule)} ${text}`, advice),
  ];
  const stable = ofRole(rule, 'stable');
  const others = ofRole(rule, 'foreign').filter(({ weight }) => weight > 0);
  if (stable.every(({ weight }) => weight === 0))
    return refuse(
      `has its weights already split: Service ${target.service} has weight 0 in it`,
      'Give the Service that runs the stable version its traffic back first, or name the Deployment that has it.',
    );
  if (rule.backends.length + stable.length > MAX_BACKENDS)
    return refuse(
      `has ${rule.backends.length} backends: there is no place for the canary, the limit is ${MAX_BACKENDS}`,
    );
  if (others.length > 0 && isShared(route, target))
    return refuse(
      'is shared with other backends while another rollout of this action writes this route',
      'Start again when the other rollout has ended: both would multiply the weights of this rule.',
    );
  const record = recordOf(rule);
  if (!fits(record))
    return refuse(
      `has weights that cannot be split exactly: multiplied by ${record.factor} they exceed ${MAX_WEIGHT}`,
      'Use smaller weights in the same proportion.',
    );
  if (record.factor === null || record.factor === 1) return [];
  const text = `${ruleText(rule)} also leads to ${others.map(({ name }) => name).join(', ') || 'a second port'}`;
  const note = `${refText(route.ref)}: ${text}: its weights are multiplied by ${record.factor} for the rollout, and put back`;
  return [finding('warning', 'route-unsupported', route, note)];
};

const ruleFindings = (route: Route, rule: Rule, target: Target): readonly Finding[] => {
  const warn = (text: string, advice: string): Finding =>
    finding('warning', 'route-unsupported', route, `${refText(route.ref)}: ${ruleText(rule)} ${text}`, advice);
  const foreignNamespace = route.ref.namespace !== target.namespace;
  return [
    ...(rule.fields['sessionPersistence'] === undefined
      ? []
      : [
          warn(
            'has sessionPersistence: users with a session on the canary stay there at weight 0',
            'They return to stable when the entry is removed, at the end of a roll back.',
          ),
        ]),
    ...(foreignNamespace
      ? [
          warn(
            `leads into namespace ${target.namespace}: a ReferenceGrant there must cover Service ${target.canaryService} too`,
            'A ReferenceGrant without `to[].name` covers every Service.',
          ),
        ]
      : []),
  ];
};

const startFindings = (route: Route, target: Target): readonly Finding[] => {
  const ours = route.rules.filter((rule) => ofRole(rule, 'stable').length > 0);
  const split = route.rules.filter((rule) => ofRole(rule, 'canary').length > 0);
  if (split.length > 0)
    return split.map((rule) =>
      finding(
        'error',
        'route-unsupported',
        route,
        `${refText(route.ref)}: ${ruleText(rule)} has its weights already split: it names Service ${target.canaryService}`,
        `Remove the entry of ${target.canaryService}: the rollout adds its own.`,
      ),
    );
  if (ours.length === 0)
    return [
      finding(
        'error',
        'route-not-found',
        route,
        `${refText(route.ref)} has no rule that leads to Service ${target.service}`,
      ),
    ];
  return ours.flatMap((rule) => [...splitFindings(route, rule, target), ...ruleFindings(route, rule, target)]);
};

/** During the rollout: rules that lead to stable and that we do not write. */
const laterFindings = (route: Route, target: Target, original: Json | undefined): readonly Finding[] => {
  const warn = (rule: Rule, text: string): Finding =>
    finding('warning', 'route-changed', route, `${refText(route.ref)}: ${ruleText(rule)} ${text}`);
  if (original !== undefined) {
    const { added } = locate(route, recordsIn(original, route));
    return added.map((rule) => warn(rule, 'was added during the rollout; its traffic stays with stable'));
  }
  const lacks = (rule: Rule): boolean => ofRole(rule, 'stable').length > 0 && ofRole(rule, 'canary').length === 0;
  if (!route.rules.some((rule) => ofRole(rule, 'canary').length > 0)) return [];
  return route.rules
    .filter(lacks)
    .map((rule) =>
      warn(
        rule,
        `has no entry of Service ${target.canaryService}: it was added, or lost it; its traffic stays with stable`,
      ),
    );
};

/** Whether every route of the target can be worked with. */
export const checkRoutes = (seen: Seen, target: Target, original?: Json): readonly Finding[] =>
  target.routes.flatMap((ref) => {
    const route = readRoute(seen, ref, target);
    if (!route.ok) {
      const { code, text } = route.problem;
      return [{ severity: 'error', code, message: text, where: refText(ref), advice: null }];
    }
    if (target.service === null || target.canaryService === null)
      return [
        finding(
          'error',
          'route-unsupported',
          route.value,
          `${refText(ref)} needs a Service that selects the stable pods`,
        ),
      ];
    const claimed = isClaimed(route.value, target);
    return [
      ...objectFindings(route.value),
      ...acceptanceFindings(route.value, claimed),
      ...(claimed ? laterFindings(route.value, target, original) : startFindings(route.value, target)),
    ];
  });

/** The owned fields, as a reader would look for them. */
export const fieldsIn = (route: Route, target: Target): readonly string[] =>
  route.rules
    .filter((rule) => ofRole(rule, 'stable').length > 0)
    .flatMap((rule) => {
      const multiplied = (recordOf(rule).factor ?? 1) > 1;
      const list = `spec.rules[${rule.index}].backendRefs`;
      return [
        `${list}[${target.canaryService}]`,
        multiplied ? `${list}[].weight` : `${list}[${target.service}].weight`,
      ];
    });
