import { ALL_TRAFFIC } from '../core/units.ts';
import { missing, type Reading } from './fields.ts';
import type { Parts } from './parts.ts';
import { formatPercent } from './weights.ts';
import { listed } from './words.ts';

/** Updated in place, stable has users all the time: what needs all of them on the canary does not go with it. */
export const reportInPlace = (
  reading: Reading,
  { steps, splitBy, conduct, surroundings }: Pick<Parts, 'steps' | 'splitBy' | 'conduct' | 'surroundings'>,
): void => {
  // Where pods are the weight, stable is always updated in place.
  if (surroundings.promoteAt !== 'last-step' || steps === null || splitBy === 'replicas') return;
  const weights = steps.map(({ weight }) => weight);
  const placeOf = (name: string) => reading.given(name)?.tree.place ?? missing(name);
  if (conduct.until?.kind === 'promotion')
    reading.report(
      placeOf('until'),
      `\`promotion\` waits with all traffic on the canary, which it never has with \`promote-at: last-step\`; write one of the weights ${listed(weights.map(formatPercent))}, or leave \`promote-at\` out`,
    );
  if (weights.at(-1) === ALL_TRAFFIC)
    reading.report(
      placeOf('promote-at'),
      '`last-step` updates stable while it has users, and at the last weight, 100 %, it has none; end the weights below 100, or leave `promote-at` out',
    );
};
