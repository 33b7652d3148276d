import { type KubeObject, type ObjectRef, objectIn, refText, type Seen } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import { canonical, countOf, type Fields, fieldsOf, isFields, textOf } from '../../core/shape.ts';
import { ok, problem, type Result } from '../../core/units.ts';

/** One entry of `backendRefs`. */
export interface Backend {
  readonly index: number;
  readonly role: 'stable' | 'canary' | 'foreign';
  readonly name: string;
  readonly port: number | null;
  /** As it counts: an absent weight is 1 by the API's default. */
  readonly weight: number;
  readonly written: number | null;
  /** Finds the entry again wherever it is in the list. */
  readonly key: string;
  readonly fields: Fields;
}

export interface Rule {
  readonly index: number;
  /** What the rule matches; foreign edits of the rest of the rule do not change it. */
  readonly signature: string;
  readonly backends: readonly Backend[];
  readonly fields: Fields;
}

export interface Route {
  readonly ref: ObjectRef;
  readonly object: KubeObject;
  readonly rules: readonly Rule[];
}

export interface Unreadable {
  readonly code: 'route-not-found' | 'route-unsupported';
  readonly text: string;
}

const isService = (entry: Fields): boolean =>
  ['', 'core', null].includes(textOf(entry['group'])) && ['Service', null].includes(textOf(entry['kind']));

/** Whether a backendRef of a route in `routeNamespace` is this Service, on whatever port. */
export const refersTo = (
  entry: Fields,
  routeNamespace: string,
  service: { readonly namespace: string; readonly name: string | null },
): boolean =>
  isService(entry) &&
  service.name !== null &&
  entry['name'] === service.name &&
  (textOf(entry['namespace']) ?? routeNamespace) === service.namespace;

const roleOf = (entry: Fields, namespace: string, target: Target): Backend['role'] => {
  if (refersTo(entry, namespace, { namespace: target.namespace, name: target.service })) return 'stable';
  return refersTo(entry, namespace, { namespace: target.namespace, name: target.canaryService }) ? 'canary' : 'foreign';
};

const identity = (entry: Fields, namespace: string): string =>
  canonical([
    isService(entry) ? 'Service' : [entry['group'], entry['kind']],
    textOf(entry['namespace']) ?? namespace,
    entry['name'],
    entry['port'] ?? null,
  ]);

const backendsOf = (rule: Fields, namespace: string, target: Target): readonly Backend[] | null => {
  const list = rule['backendRefs'] ?? [];
  if (!Array.isArray(list)) return null;
  const times = new Map<string, number>();
  const backends: Backend[] = [];
  for (const [index, entry] of list.entries()) {
    const name = isFields(entry) ? textOf(entry['name']) : null;
    const weight = isFields(entry) ? (entry['weight'] ?? null) : null;
    if (!isFields(entry) || name === null || (weight !== null && countOf(weight) === null)) return null;
    const same = identity(entry, namespace);
    const time = times.get(same) ?? 0;
    times.set(same, time + 1);
    backends.push({
      index,
      role: roleOf(entry, namespace, target),
      name,
      port: countOf(entry['port']),
      weight: countOf(weight) ?? 1,
      written: countOf(weight),
      key: `${same}#${time}`,
      fields: entry,
    });
  }
  return backends;
};

/** The route as the adapter understands it. Each problem names the object. */
export const readRoute = (seen: Seen, ref: ObjectRef, target: Target): Result<Route, Unreadable> => {
  const object = objectIn(seen, ref);
  if (object === null) return problem({ code: 'route-not-found', text: `${refText(ref)} does not exist` });
  const list = fieldsOf(object['spec'])['rules'] ?? [];
  if (!Array.isArray(list))
    return problem({ code: 'route-unsupported', text: `${refText(ref)}: spec.rules is not a list` });
  const rules: Rule[] = [];
  for (const [index, fields] of list.entries()) {
    const backends = isFields(fields) ? backendsOf(fields, ref.namespace, target) : null;
    if (!isFields(fields) || backends === null)
      return problem({
        code: 'route-unsupported',
        text: `${refText(ref)}: spec.rules[${index}].backendRefs is not a list of backends with whole weights`,
      });
    rules.push({ index, signature: canonical([fields['name'], fields['matches']]), backends, fields });
  }
  return ok({ ref, object, rules });
};

export const ofRole = (rule: Rule, role: Backend['role']): readonly Backend[] =>
  rule.backends.filter((backend) => backend.role === role);

export const ruleText = (rule: Pick<Rule, 'index'>): string => `spec.rules[${rule.index}]`;

/** Stable's entries, each with its copy for the canary: the one with the same port. */
export interface Pairing {
  readonly pairs: readonly { readonly stable: Backend; readonly canary: Backend | null }[];
  /** Entries of the canary that are a copy of none. */
  readonly strays: readonly Backend[];
}

export const pairingOf = (rule: Rule): Pairing => {
  let strays = ofRole(rule, 'canary');
  const pairs = ofRole(rule, 'stable').map((stable) => {
    const canary = strays.find((entry) => entry.port === stable.port) ?? null;
    strays = strays.filter((entry) => entry !== canary);
    return { stable, canary };
  });
  return { pairs, strays };
};
