import type { Step, Until } from '../core/spec.ts';
import type { BasisPoints } from '../core/units.ts';
import type { Place, Report, Tree } from './tree.ts';
import { formatPercent, parseWeight } from './weights.ts';
import { listed, nearest, quote } from './words.ts';

const PROMOTION = 'promotion';

/** A weight, or `promotion`; null after reporting. */
export const readUntil = (tree: Tree, report: Report): Until | null => {
  if (tree.kind !== 'scalar') return null;
  const text = tree.text.trim();
  if (text === PROMOTION) return { kind: 'promotion' };
  const weight = parseWeight(text);
  if (weight.ok) return { kind: 'weight', weight: weight.value };
  const isWord = !/^[-\d]/.test(text);
  report(tree.place, isWord ? wordProblem(text) : weight.problem);
  return null;
};

const wordProblem = (text: string): string => {
  const hint = nearest(text, [PROMOTION]) === null ? '' : '; did you mean `promotion`?';
  return text === ''
    ? 'it is empty; write one of the weights, or `promotion`'
    : `${quote(text)} is neither a weight nor \`promotion\`${hint}`;
};

/** The rollout must come by the place where it should stop. */
export const reportUnreachable = (
  until: Until,
  steps: readonly Step[],
  splitBy: 'router' | 'replicas',
  at: { readonly place: Place; readonly report: Report },
): void => {
  const weights = steps.map(({ weight }) => weight);
  const named = listed(weights.map(formatPercent));
  const isPod = splitBy === 'replicas';
  if (until.kind === 'promotion') {
    if (isPod)
      at.report(
        at.place,
        `\`promotion\` is never reached with \`route: replicas\`, where the canary never has all the traffic; write one of the weights ${named}`,
      );
    return;
  }
  if (weights.includes(until.weight)) return;
  const also = isPod ? '' : ', or `promotion`';
  at.report(
    at.place,
    `\`${formatPercent(until.weight)}\` is not the weight of a step; did you mean \`${formatPercent(closest(until.weight, weights))}\`? The steps: ${named}${also}`,
  );
};

const closest = (wanted: BasisPoints, weights: readonly BasisPoints[]): BasisPoints =>
  weights.reduce(
    (best, weight) => (Math.abs(weight - wanted) < Math.abs(best - wanted) ? weight : best),
    weights[0] ?? 0,
  );
