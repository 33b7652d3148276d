import type { ArmSeen, Observation } from './observation.ts';
import type { Rollout } from './rollout.ts';

/** Where an image ran; empty when that is not known. */
const platformsOf = ({ platforms = [] }: ArmSeen, id: string): readonly string[] =>
  platforms.filter((one) => one.id === id).map(({ platform }) => platform);

/**
 * A runtime may report the digest of the platform's own image instead of the whole name's: then only ids from the same
 * platform are alike. An unknown platform may be any.
 */
const isComparable = (stable: ArmSeen, canary: ArmSeen, id: string): boolean => {
  const platforms = platformsOf(stable, id);
  const ofCanary = canary.imageIds.map((one) => platformsOf(canary, one));
  return (
    platforms.length === 0 ||
    ofCanary.some((known) => known.length === 0 || known.some((one) => platforms.includes(one)))
  );
};

/** Images of stable that the canary did not run. */
const strangers = ({
  stable,
  canary,
}: Observation): readonly { readonly id: string; readonly isComparable: boolean }[] =>
  stable === null || canary === null || canary.imageIds.length === 0
    ? []
    : stable.imageIds
        .filter((id) => !canary.imageIds.includes(id))
        .map((id) => ({ id, isComparable: isComparable(stable, canary, id) }));

/** An image that stable runs now and the canary did not, by digest; null when they agree or the nodes do not tell. */
export const movedImage = (look: Observation): string | null =>
  strangers(look).find((one) => one.isComparable)?.id ?? null;

const words = ({ stable }: Observation, id: string): string =>
  `${id} (${stable === null ? '' : platformsOf(stable, id).join(', ')})`;

/** The first three: a report has to stay short. */
const some = (texts: readonly string[]): string =>
  [...texts.slice(0, 3), ...(texts.length > 3 ? [`${texts.length - 3} more`] : [])].join(', ');

/** Images of stable on platforms that the canary never ran on, as a warning that is told once. */
export const withUncompared = (rollout: Rollout): Rollout => {
  const { stage, observation, warnings } = rollout;
  if (stage.name !== 'stable-ready' || observation === null) return rollout;
  const others = strangers(observation).filter((one) => !one.isComparable);
  if (others.length === 0) return rollout;
  const text = `not compared, because the canary did not run on this platform: ${some(others.map(({ id }) => words(observation, id)))}`;
  return warnings.includes(text) ? rollout : { ...rollout, warnings: [...warnings, text] };
};
