import { refText } from './objects.ts';
import type { Target } from './plan.ts';

const nameOf = (path: string): string => (path.split('/').at(-1) ?? path).replaceAll('~1', '/').replaceAll('~0', '~');

/** What a person has to put back when the rollout could not, in words; '' without an autoscaler. */
export const heldText = ({ autoscaler }: Target): string => {
  if (autoscaler === null) return '';
  const values = autoscaler.fields.map(({ path, was, held }) => {
    const before = was === null ? 'absent' : JSON.stringify(was);
    return `${nameOf(path)} at ${JSON.stringify(held)}: it was ${before} before the rollout`;
  });
  return `${refText(autoscaler.ref)} may still have ${values.join(', and ')}`;
};

/** What the user's own canary Deployment had before, in words; '' for a canary that was made. */
export const pairText = ({ pair, namespace, canaryDeployment }: Target): string => {
  if (pair === null) return '';
  const images = pair.images.map(({ container, image }) => `${container}=${image}`).join(', ');
  return `before the rollout Deployment ${namespace}/${canaryDeployment} had ${pair.replicas} replicas and ${images}`;
};
