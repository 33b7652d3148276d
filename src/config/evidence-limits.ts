import type { CountedSpec } from '../core/spec.ts';
import type { MetricFields } from './metric-fields.ts';
import {
  burnRateLimit,
  ceilingOf,
  formatPercentage,
  isRatio,
  objectiveProblem,
  parsePercentage,
  ratioProblem,
} from './ratios.ts';
import { entryOf } from './tree.ts';
import { quote } from './words.ts';

/** What burns the budget of 30 days in 50 hours: https://sre.google/workbook/alerting-on-slos/ */
const BURN_RATE_DEFAULT = 14.4;

type EvidenceLimits = Pick<CountedSpec, 'ceiling' | 'floor' | 'slo'>;

/** Limits on the failure ratio itself, beside the comparison with stable. What is wrong is reported and null here. */
export const readEvidenceLimits = (fields: MetricFields): EvidenceLimits => {
  const slo = readSlo(fields);
  const given = readRatio(fields, 'ceiling');
  const floor = readRatio(fields, 'floor');
  const isGiven = (key: string): boolean => entryOf(fields.tree, key) !== null;
  if (isGiven('slo') && isGiven('ceiling'))
    fields.report(fields.placeOf('ceiling'), '`slo` makes a ceiling of its own; give either `slo` or `ceiling`');
  if (isGiven('burn-rate') && !isGiven('slo'))
    fields.report(fields.placeOf('burn-rate'), 'there is no `slo` that `burn-rate` would multiply');
  const ceiling = slo === null ? given : ceilingOf(slo.objective, slo.burnRate);
  reportBelow(fields, ceiling, floor, slo === null ? 'ceiling' : 'slo');
  return { ceiling, floor, slo };
};

const reportBelow = (fields: MetricFields, ceiling: number | null, floor: number | null, name: string): void => {
  if (ceiling === null || floor === null || floor < ceiling) return;
  const [low, high] = [formatPercentage(floor), formatPercentage(ceiling)];
  const of = name === 'slo' ? 'the ceiling that `slo` makes' : '`ceiling`';
  fields.report(fields.placeOf('floor'), `\`floor\` ${low} is not below ${of}, ${high}`);
};

/** A number or a percentage, above 0 and below 1. */
const readRatio = ({ scalar, report }: MetricFields, key: string): number | null => {
  const tree = scalar(key);
  if (tree === null) return null;
  const text = tree.text.trim();
  const isText = typeof tree.value === 'string';
  const value = isText ? parsePercentage(text) : Number(tree.value);
  if (value !== null && isRatio(value)) return value;
  const quoted = isText && text !== '' && isRatio(Number(text));
  report(tree.place, quoted ? `expected a number, got the text ${quote(text)}; remove the quotes` : ratioProblem(text));
  return null;
};

const readSlo = ({ scalar, number, placeOf, report }: MetricFields): EvidenceLimits['slo'] => {
  const tree = scalar('slo');
  const burnRate = number('burn-rate') ?? BURN_RATE_DEFAULT;
  if (tree === null) return null;
  const objective = parsePercentage(tree.text.trim());
  if (objective === null || !isRatio(objective)) {
    report(tree.place, objectiveProblem(tree.text.trim()));
    return null;
  }
  const ceiling = ceilingOf(objective, burnRate);
  if (isRatio(ceiling)) return { objective, burnRate };
  report(
    placeOf('slo'),
    `${quote(tree.text)} with a \`burn-rate\` of ${burnRate} makes a ceiling of ${formatPercentage(ceiling)}, which no failure ratio is above; the \`burn-rate\` must be below ${burnRateLimit(objective)}`,
  );
  return null;
};
