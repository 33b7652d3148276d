import type { Reading } from './fields.ts';

/** The two Deployments of a pair, and what else would say what the canary is. */
export const reportPair = (reading: Reading, deployment: string | null, canary: string | null): void => {
  const given = reading.given('canary-deployment');
  if (given === null || canary === null) return;
  const { place } = given.tree;
  if (canary === deployment)
    reading.report(place, `names stable itself, as \`deployment\` does; name the other one of the pair`);
  if (reading.given('manifest') !== null)
    reading.report(
      place,
      'not with `manifest`, whose whole template a Deployment of your own would not keep; use `image`, or leave `canary-deployment` out',
    );
};
