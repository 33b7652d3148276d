import { refKey, type Seen } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import { countOf, fieldsOf, listOf, textOf } from '../../core/shape.ts';
import { type BasisPoints, type Json, ok, problem, type Result } from '../../core/units.ts';
import { type Backend, ofRole, type Route, type Rule, readRoute, ruleText } from './rules.ts';

/** The weights of one rule before the first write; null where there was none. */
export interface RuleRecord {
  readonly index: number;
  readonly signature: string;
  /**
   * What every weight of the rule is multiplied by for the whole rollout, so that each tenth of a percent of stable's
   * part is a whole number. null: nobody else gets traffic from the rule, so that stable and canary share 100 or 1000.
   */
  readonly factor: number | null;
  /** Of stable's entries, in their order. */
  readonly stable: readonly (number | null)[];
  readonly foreign: readonly { readonly key: string; readonly weight: number | null }[];
}

/** The CRD's limit: `HTTPBackendRef.weight` has maximum 1000000. */
export const MAX_WEIGHT = 1_000_000;
/** An absent weight is 1: the default of the CRD. */
export const effective = (weight: number | null): number => weight ?? 1;
/** The smallest change of a weight: a tenth of a percent. */
export const STEP: BasisPoints = 10;
const STEPS = 1000;

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

const factorOf = (rule: Rule): number | null => {
  const weights = ofRole(rule, 'stable').map(({ weight }) => weight);
  const shared = ofRole(rule, 'foreign').some(({ weight }) => weight > 0);
  if (!shared && new Set(weights).size === 1) return null;
  return STEPS / weights.reduce(divisor, STEPS);
};

export const recordOf = (rule: Rule): RuleRecord => ({
  index: rule.index,
  signature: rule.signature,
  factor: factorOf(rule),
  stable: ofRole(rule, 'stable').map(({ written }) => written),
  foreign: ofRole(rule, 'foreign').map(({ key, written }) => ({ key, weight: written })),
});

/** Whether the rule's weights, multiplied, stay within what the API takes. */
export const fits = (record: RuleRecord): boolean =>
  record.factor === null ||
  [...record.stable, ...record.foreign.map(({ weight }) => weight)].every(
    (weight) => effective(weight) * (record.factor ?? 1) <= MAX_WEIGHT,
  );

/** The weights of a pair of entries for `canary` of stable's part. `original` is stable's weight before the first write. */
export const weightsOf = (
  record: RuleRecord,
  original: number | null,
  canary: BasisPoints,
): { readonly stable: number; readonly canary: number } => {
  const whole = canary % 100 === 0 ? 100 : STEPS;
  const total = record.factor === null ? whole : effective(original) * record.factor;
  const part = Math.round((total * canary) / 10_000);
  return { stable: total - part, canary: part };
};

/** Where a foreign entry of the rule stands: as it was, multiplied, or changed by somebody. null: it was not there. */
export const foreignState = (record: RuleRecord, backend: Backend): 'original' | 'multiplied' | 'changed' | null => {
  const known = record.foreign.find(({ key }) => key === backend.key);
  if (known === undefined) return null;
  const weight = effective(known.weight);
  if (backend.weight === weight * (record.factor ?? 1)) return 'multiplied';
  return backend.weight === weight ? 'original' : 'changed';
};

/** The form in which `original` is saved: the records by `refKey`. */
export const originalOf = (seen: Seen, target: Target): Json =>
  Object.fromEntries(
    target.routes.map((ref) => {
      const route = readRoute(seen, ref, target);
      const rules = route.ok ? route.value.rules.filter((rule) => ofRole(rule, 'stable').length > 0) : [];
      return [refKey(ref), rules.map((rule): Json => ({ ...recordOf(rule) }))];
    }),
  );

const weightIn = (value: unknown): number | null => (value === null ? null : countOf(value));

/** The records of a route. The state was in the cluster: what has not the form of a record is not one. */
export const recordsIn = (original: Json, route: Pick<Route, 'ref'>): readonly RuleRecord[] =>
  listOf(fieldsOf(original)[refKey(route.ref)]).flatMap((value) => {
    const { index, signature, factor, stable, foreign } = fieldsOf(value);
    const [number, text] = [countOf(index), textOf(signature)];
    const multiple = factor === null ? null : countOf(factor);
    if (number === null || text === null || multiple === 0) return [];
    const others = listOf(foreign).flatMap((entry) => {
      const key = textOf(fieldsOf(entry)['key']);
      return key === null ? [] : [{ key, weight: weightIn(fieldsOf(entry)['weight']) }];
    });
    return [
      { index: number, signature: text, factor: multiple, stable: listOf(stable).map(weightIn), foreign: others },
    ];
  });

export interface Located {
  readonly ours: readonly { readonly record: RuleRecord; readonly rule: Rule | null }[];
  /** Rules with stable and without an entry of ours that were not there at the start. */
  readonly added: readonly Rule[];
  /** Rules that got an entry of ours by somebody else's hand: a copied rule. */
  readonly strange: readonly Rule[];
}

/** Finds the recorded rules again, wherever foreign edits have moved them: by what they match, then by our entry. */
export const locate = (route: Route, records: readonly RuleRecord[]): Located => {
  const has = (role: Backend['role']) => (rule: Rule) => ofRole(rule, role).length > 0;
  const found = new Map<RuleRecord, Rule>();
  const claim = (fits: (record: RuleRecord, rule: Rule) => boolean): void => {
    for (const record of records.filter((one) => !found.has(one))) {
      const taken = new Set(found.values());
      const rule = route.rules.find((one) => !taken.has(one) && fits(record, one));
      if (rule !== undefined) found.set(record, rule);
    }
  };
  claim((record, rule) => record.signature === rule.signature && has('canary')(rule));
  claim((record, rule) => record.signature === rule.signature && has('stable')(rule));
  claim((_record, rule) => has('canary')(rule));
  claim((record, rule) => record.signature === rule.signature);
  const rest = route.rules.filter((rule) => ![...found.values()].includes(rule));
  return {
    ours: records.map((record) => ({ record, rule: found.get(record) ?? null })),
    added: rest.filter((rule) => has('stable')(rule) && !has('canary')(rule)),
    strange: rest.filter(has('canary')),
  };
};

/** The share of the canary that a rule's weights mean; 'absent' when it has no entry of ours. */
export const shareOf = (
  rule: Rule,
  record: RuleRecord | null,
  pairs: readonly { readonly stable: Backend; readonly canary: Backend | null }[],
): Result<BasisPoints | 'absent', string> => {
  if (pairs.every(({ canary }) => canary === null)) return ok('absent');
  const shares = new Set<BasisPoints>();
  for (const [index, { stable, canary }] of pairs.entries()) {
    if (canary === null) return problem(`${ruleText(rule)} lost an entry of the canary`);
    const total = stable.weight + canary.weight;
    const original = record?.stable[index] ?? null;
    const wanted = record?.factor == null ? null : effective(original) * record.factor;
    if (wanted !== null && wanted !== total)
      return problem(`${ruleText(rule)}: the weights of stable and canary add up to ${total} in place of ${wanted}`);
    if (total > 0) shares.add(Math.round((canary.weight * 10_000) / total));
  }
  const [share, other] = [...shares];
  if (share === undefined) return problem(`${ruleText(rule)}: the weights of stable and canary are all 0`);
  return other === undefined ? ok(share) : problem(`${ruleText(rule)}: its entries give the canary different shares`);
};
