import { closest } from 'fastest-levenshtein';
import type { ContainerImage } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { ImageChange } from '../core/spec.ts';
import type { Container, Deployment } from './shape.ts';

export interface ImageChoice {
  readonly images: readonly ContainerImage[];
  readonly findings: readonly Finding[];
}

const wrong = (message: string, advice: string | null): Finding => ({
  severity: 'error',
  code: 'invalid-config',
  message,
  where: 'image',
  advice,
});

const named = (containers: readonly Container[]): string =>
  containers.map(({ name, list }) => (list === 'containers' ? name : `${name} (init)`)).join(', ');

const choose = (deployment: Deployment, change: ImageChange): ContainerImage | Finding => {
  const main = deployment.containers.filter(({ list }) => list === 'containers');
  const known = named(deployment.containers);
  if (change.container !== null) {
    const container = deployment.containers.find(({ name }) => name === change.container);
    if (container !== undefined) return { container: container.name, image: change.image };
    const near = closest(
      change.container,
      deployment.containers.map(({ name }) => name),
    );
    return wrong(
      `Deployment ${deployment.name} has no container "${change.container}". Its containers: ${known}.`,
      near === '' ? null : `Did you mean "${near}=${change.image}"?`,
    );
  }
  const [only, ...others] = main;
  if (only !== undefined && others.length === 0) return { container: only.name, image: change.image };
  return wrong(
    `Deployment ${deployment.name} has ${main.length} containers (${known}), so an image must say which one it is for.`,
    main.map(({ name }) => `${name}=${change.image}`).join(' or '),
  );
};

/** Which container gets which image. A bare image fits only a Deployment with one container; init containers have to be named. */
export const chooseImages = (deployment: Deployment, changes: readonly ImageChange[]): ImageChoice => {
  const choices = changes.map((change) => choose(deployment, change));
  const images = choices.filter((choice): choice is ContainerImage => 'image' in choice);
  const twice = images.filter(({ container }, index) => images.findIndex((one) => one.container === container) < index);
  return {
    images,
    findings: [
      ...choices.filter((choice): choice is Finding => 'severity' in choice),
      ...twice.map(({ container }) => wrong(`Container "${container}" is given two images.`, 'Leave one of them out.')),
    ],
  };
};
