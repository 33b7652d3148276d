import { formatWeight } from '../../core/format.ts';
import { refText } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import { type BasisPoints, type Json, ok, problem, type Result } from '../../core/units.ts';
import { foreignState, locate, type RuleRecord, recordsIn, shareOf } from './record.ts';
import { ofRole, pairingOf, type Route, type Rule, ruleText } from './rules.ts';

type Share = BasisPoints | 'absent';

const shareText = (share: Share): string => (share === 'absent' ? 'no entry of the canary' : formatWeight(share));

/** A weight that was multiplied for the rollout and then changed by somebody: the rule's proportions are not ours now. */
const changedForeign = (rule: Rule, record: RuleRecord | null): string | null => {
  if (record === null || (record.factor ?? 1) === 1) return null;
  const changed = ofRole(rule, 'foreign').find((backend) => {
    const state = foreignState(record, backend);
    return state === 'original' || state === 'changed';
  });
  return changed === undefined
    ? null
    : `${ruleText(rule)}: somebody set the weight of ${changed.name} to ${changed.weight}`;
};

const ruleShare = (rule: Rule, record: RuleRecord | null, target: Target): Result<Share, string> => {
  const { pairs, strays } = pairingOf(rule);
  if (pairs.length === 0) return problem(`${ruleText(rule)} lost its entry of Service ${target.service}`);
  if (strays.length > 0) return problem(`${ruleText(rule)} has an entry of the canary that copies none of stable`);
  const share = shareOf(rule, record, pairs);
  if (!share.ok || share.value === 'absent') return share;
  const changed = changedForeign(rule, record);
  return changed === null ? share : problem(changed);
};

const rulesOf = (
  route: Route,
  original: Json | undefined,
): readonly { readonly record: RuleRecord | null; readonly rule: Rule | null }[] => {
  if (original === undefined)
    return route.rules
      .filter((rule) => ofRole(rule, 'stable').length + ofRole(rule, 'canary').length > 0)
      .map((rule) => ({ record: null, rule }));
  const { ours, strange } = locate(route, recordsIn(original, route));
  return [...ours, ...strange.map((rule) => ({ record: null, rule }))];
};

/**
 * The share that the weights of all routes give the canary: 0 where none has an entry of it. The problem names the rule
 * that lost something of ours, or the two that disagree.
 */
export const currentShare = (
  routes: readonly Route[],
  target: Target,
  original: Json | undefined,
): Result<BasisPoints, string> => {
  const seen = new Map<Share, string>();
  for (const route of routes) {
    const where = refText(route.ref);
    for (const { record, rule } of rulesOf(route, original)) {
      if (rule === null)
        return problem(`${where}: the rule that was spec.rules[${record?.index}] at the start is gone`);
      const share = ruleShare(rule, record, target);
      if (!share.ok) return problem(`${where}: ${share.problem}`);
      if (!seen.has(share.value)) seen.set(share.value, `${where} ${ruleText(rule)}`);
    }
  }
  const [first, second] = [...seen];
  if (first === undefined) return problem(`no rule leads to Service ${target.service}`);
  return second === undefined
    ? ok(first[0] === 'absent' ? 0 : first[0])
    : problem(`${first[1]} has ${shareText(first[0])}, ${second[1]} has ${shareText(second[0])}`);
};
