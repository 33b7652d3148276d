import type { MeasuredSpec } from '../core/spec.ts';
import { parseDuration } from './durations.ts';
import type { MetricFields } from './metric-fields.ts';
import { increaseProblem, parsePercentage } from './ratios.ts';
import { entryOf } from './tree.ts';
import { listed } from './words.ts';

const EVERY_DEFAULT_MS = 10_000;
const SHORTEST_EVERY_MS = 1_000;
const LIMITS = ['min', 'max', 'max-increase'];

type Limits = Pick<MeasuredSpec, 'min' | 'max' | 'maxIncrease' | 'failureLimit' | 'failedChecks' | 'everyMs'>;

/** Limits on the number that a query gives. What is wrong is reported and has its default here. */
export const readMeasuredLimits = (fields: MetricFields): Limits => {
  const { tree, number, report } = fields;
  const [min, max] = [number('min'), number('max')];
  if (!LIMITS.some((key) => entryOf(tree, key) !== null))
    report(tree.place, `a metric with \`query\` needs a limit: at least one of ${listed(LIMITS)}`);
  if (min !== null && max !== null && min > max) report(tree.place, `\`min\` ${min} is above \`max\` ${max}`);
  if (entryOf(tree, 'failure-limit') !== null && entryOf(tree, 'failed-checks') !== null)
    report(
      fields.placeOf('failed-checks'),
      '`failure-limit` lets the weight go on while a measurement fails, and `failed-checks` holds it; give one of them',
    );
  return {
    min,
    max,
    maxIncrease: readIncrease(fields),
    failureLimit: number('failure-limit') ?? 0,
    failedChecks: number('failed-checks'),
    everyMs: readEvery(fields),
  };
};

const readEvery = ({ scalar, report }: MetricFields): number => {
  const tree = scalar('every');
  const every = tree === null ? null : parseDuration(tree.text, SHORTEST_EVERY_MS);
  if (tree !== null && every?.ok === false) report(tree.place, every.problem);
  return every?.ok === true ? every.value : EVERY_DEFAULT_MS;
};

/** `20%` is 0.2. */
const readIncrease = ({ scalar, report }: MetricFields): number | null => {
  const tree = scalar('max-increase');
  if (tree === null) return null;
  const increase = parsePercentage(tree.text.trim());
  if (increase === null) report(tree.place, increaseProblem(tree.text.trim()));
  return increase;
};
