import { addAt, jsonPatch, type Operation, removeAt, testOf } from '../../core/json-patch.ts';
import { type Mark, markPath } from '../../core/marks.ts';
import type { Request } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import type { Fields } from '../../core/shape.ts';
import { type BasisPoints, type Json, ok, problem, type Result } from '../../core/units.ts';
import { effective, foreignState, type RuleRecord, weightsOf } from './record.ts';
import { type Backend, ofRole, pairingOf, type Route, type Rule, ruleText } from './rules.ts';

/** What a patch does to one rule, with the entries whose place it relies on. */
export interface RuleChange {
  readonly rule: Rule;
  readonly relies: readonly Backend[];
  readonly operations: readonly Operation[];
}

const pathOf = (rule: Rule, backend: Pick<Backend, 'index'>): string =>
  `/spec/rules/${rule.index}/backendRefs/${backend.index}`;

type SetWeight = (rule: Rule, backend: Backend, weight: number) => readonly Operation[];

/** Whatever the weight is when the patch arrives. */
export const fixWeight: SetWeight = (rule, backend, weight) => [addAt(`${pathOf(rule, backend)}/weight`, weight)];

const setWeight: SetWeight = (rule, backend, weight) =>
  backend.weight === weight ? [] : fixWeight(rule, backend, weight);

const testsOf = ({ rule, relies }: RuleChange): readonly Operation[] =>
  relies.flatMap((backend) => [
    testOf(`${pathOf(rule, backend)}/name`, backend.name),
    ...(backend.port === null ? [] : [testOf(`${pathOf(rule, backend)}/port`, backend.port)]),
  ]);

const requestOf = (route: Route, guards: readonly Operation[], changes: readonly RuleChange[]): readonly Request[] => {
  const effects = changes.flatMap(({ operations }) => operations);
  return effects.length === 0
    ? []
    : [jsonPatch(route.ref, [...guards, ...changes.flatMap((change) => testsOf(change)), ...effects])];
};

const markTest = (route: Route, mark: Mark): Operation => testOf(markPath(route.ref.kind, mark), mark.value);

/** One forward patch for the route: refused when anybody wrote its spec since it was read, or took the rollout over. */
export const forwardPatch = (route: Route, holder: Mark, changes: readonly RuleChange[]): readonly Request[] => {
  const { uid, generation } = route.object.metadata;
  const identity = [
    ...(uid === undefined ? [] : [testOf('/metadata/uid', uid)]),
    ...(generation === undefined ? [] : [testOf('/metadata/generation', generation)]),
  ];
  return requestOf(route, [...identity, markTest(route, holder)], touched(changes));
};

/** One patch that works whoever wrote since, as long as the entries are where they were and the rollout may go back. */
export const backwardPatch = (route: Route, wayBack: Mark, changes: readonly RuleChange[]): readonly Request[] =>
  requestOf(route, [markTest(route, wayBack)], touched(changes));

const touched = (changes: readonly RuleChange[]): readonly RuleChange[] =>
  changes.filter(({ operations }) => operations.length > 0);

/** JSON as it was read: `Fields` of an API answer hold nothing else. */
const copyOf = (fields: Fields, changes: Readonly<Record<string, Json>>): Json =>
  JSON.parse(JSON.stringify({ ...fields, ...changes }));

/** Brings `canary` about in a rule: weights where the entries stand, a copy of stable's entry after it where none does. */
export const changeFor = (
  rule: Rule,
  record: RuleRecord,
  target: Target,
  canary: BasisPoints,
): Result<RuleChange, string> => {
  const { pairs, strays } = pairingOf(rule);
  if (pairs.length !== record.stable.length)
    return problem(
      `${ruleText(rule)} had ${record.stable.length} entries of Service ${target.service}, now ${pairs.length}`,
    );
  if (strays.length > 0) return problem(`${ruleText(rule)} has an entry of the canary that copies none of stable`);
  const weights: Operation[] = [];
  const inserts: Operation[] = [];
  for (const [index, pair] of pairs.entries()) {
    const wanted = weightsOf(record, record.stable[index] ?? null, canary);
    weights.push(...setWeight(rule, pair.stable, wanted.stable));
    if (pair.canary !== null) weights.push(...setWeight(rule, pair.canary, wanted.canary));
    else {
      const copy = copyOf(pair.stable.fields, { name: target.canaryService, weight: wanted.canary });
      inserts.unshift(addAt(pathOf(rule, { index: pair.stable.index + 1 }), copy));
    }
  }
  const multiplied = record.factor === null || record.factor === 1 ? [] : ofRole(rule, 'foreign');
  for (const backend of multiplied) {
    const state = foreignState(record, backend);
    if (state === 'changed')
      return problem(
        `${ruleText(rule)}: the weight of ${backend.name} was changed to ${backend.weight} during the rollout`,
      );
    if (state === 'original') weights.push(...setWeight(rule, backend, backend.weight * (record.factor ?? 1)));
  }
  // Indexes are those before the first insertion, so insertions come last, from the end of the list on.
  const relies = [
    ...pairs.flatMap((pair) => [pair.stable, ...(pair.canary === null ? [] : [pair.canary])]),
    ...multiplied,
  ];
  return ok({ rule, relies, operations: [...weights, ...inserts] });
};

/**
 * Returns a rule's traffic to stable: what stable and canary have together is stable's again, in whatever unit the rule
 * counts now. An entry of the canary whose stable one was taken away becomes stable's, so that no rule is left with none.
 */
export const returnFor = (rule: Rule, target: Target, set: SetWeight = setWeight): RuleChange => {
  const { pairs, strays } = pairingOf(rule);
  const canaries = ofRole(rule, 'canary');
  const first = pairs[0];
  if (first === undefined)
    return { rule, relies: strays, operations: strays.flatMap((one) => rename(rule, one, target)) };
  const moved = canaries.reduce((sum, { weight }) => sum + weight, 0);
  const kept = ofRole(rule, 'stable').reduce((sum, { weight }) => sum + weight, 0);
  if (canaries.length === 0) return { rule, relies: [], operations: [] };
  const stray = strays.reduce((sum, { weight }) => sum + weight, 0);
  const operations = pairs.flatMap(({ stable, canary }) => {
    const extra = stable === first.stable ? stray + (moved + kept === 0 ? 1 : 0) : 0;
    return [
      ...set(rule, stable, stable.weight + (canary?.weight ?? 0) + extra),
      ...(canary === null ? [] : set(rule, canary, 0)),
    ];
  });
  const zeroed = strays.flatMap((one) => set(rule, one, 0));
  return { rule, relies: [...ofRole(rule, 'stable'), ...canaries], operations: [...operations, ...zeroed] };
};

const rename = (rule: Rule, backend: Backend, target: Target): readonly Operation[] =>
  target.service === null ? [] : [addAt(`${pathOf(rule, backend)}/name`, target.service)];

const putBack = (rule: Rule, backend: Backend, weight: number | null, exactly: boolean): readonly Operation[] => {
  if (backend.weight === effective(weight) && !(exactly && weight === null)) return [];
  if (weight !== null) return [addAt(`${pathOf(rule, backend)}/weight`, weight)];
  return backend.written === null ? [] : [removeAt(`${pathOf(rule, backend)}/weight`)];
};

/**
 * Takes the canary's entries out of a rule and puts its weights back. Where somebody changed a multiplied weight of
 * another backend, the rule stays multiplied: the proportions are right, and a guess would not be.
 */
export const restoreFor = (rule: Rule, record: RuleRecord | null, target: Target): RuleChange => {
  const canaries = ofRole(rule, 'canary');
  const stables = ofRole(rule, 'stable');
  if (stables.length === 0)
    return { rule, relies: canaries, operations: canaries.flatMap((one) => rename(rule, one, target)) };
  const weights = record === null ? returnedWeights(rule, target) : restoredWeights(rule, record, canaries.length > 0);
  const removals = canaries.map((one) => removeAt(pathOf(rule, one))).reverse();
  return { rule, relies: [...stables, ...canaries, ...relied(rule, record)], operations: [...weights, ...removals] };
};

const relied = (rule: Rule, record: RuleRecord | null): readonly Backend[] =>
  record === null || (record.factor ?? 1) === 1 ? [] : ofRole(rule, 'foreign');

const returnedWeights = (rule: Rule, target: Target): readonly Operation[] =>
  returnFor(rule, target).operations.filter(({ path }) =>
    ofRole(rule, 'stable').some((stable) => path === `${pathOf(rule, stable)}/weight`),
  );

/** `exactly`: a weight that was absent becomes absent again, although it reads the same as 1. */
const restoredWeights = (rule: Rule, record: RuleRecord, exactly: boolean): readonly Operation[] => {
  const foreign = relied(rule, record);
  const changed = foreign.some((backend) => foreignState(record, backend) === 'changed');
  const multiple = changed ? (record.factor ?? 1) : 1;
  const stable = ofRole(rule, 'stable').flatMap((backend, index) => {
    const original = record.stable[Math.min(index, record.stable.length - 1)] ?? null;
    return putBack(rule, backend, multiple === 1 ? original : effective(original) * multiple, exactly);
  });
  if (changed) return stable;
  return [
    ...stable,
    ...foreign.flatMap((backend) => {
      const known = record.foreign.find(({ key }) => key === backend.key);
      return known === undefined ? [] : putBack(rule, backend, known.weight, exactly);
    }),
  ];
};
