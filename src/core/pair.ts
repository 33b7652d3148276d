import type { KubeObject } from './objects.ts';
import type { ContainerImage, Target } from './plan.ts';
import { fieldsOf, listOf } from './shape.ts';

/** The image of a container, or init container, of a Deployment; null: it has none of that name. */
const imageIn = (deployment: KubeObject, container: string): string | null => {
  const pod = fieldsOf(fieldsOf(fieldsOf(deployment['spec'])['template'])['spec']);
  const found = [...listOf(pod['containers']), ...listOf(pod['initContainers'])]
    .map(fieldsOf)
    .find(({ name }) => name === container);
  return typeof found?.['image'] === 'string' ? found['image'] : null;
};

const runs = (deployment: KubeObject, images: readonly ContainerImage[]): boolean =>
  images.every(({ container, image }) => imageIn(deployment, container) === image);

/**
 * Whether the user's own canary Deployment runs what it was found with, and that is not the new version: then none of its
 * pods is the canary's, whatever traffic they have. Never so for a canary that was made.
 */
export const isUntouched = ({ pair, images }: Pick<Target, 'pair' | 'images'>, deployment: KubeObject): boolean =>
  pair !== null && runs(deployment, pair.images) && !runs(deployment, images);
