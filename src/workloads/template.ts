import { createHash } from 'node:crypto';
import type { Target } from '../core/plan.ts';
import { canonical, type Fields, fieldsOf } from '../core/shape.ts';
import { containersOf, type Deployment, texts, without } from './shape.ts';

/** Written by the Deployment controller into the template of each ReplicaSet, and into no Deployment's. */
const HASH_LABEL = 'pod-template-hash';

/** sha256 of a pod template as canonical JSON: the same whatever the order of members. */
export const templateHash = (template: Fields): string => {
  // Some API servers write `creationTimestamp: null` here and some leave it out.
  const metadata = without(fieldsOf(template['metadata']), new Set(['creationTimestamp']));
  return createHash('sha256')
    .update(canonical({ ...template, metadata }))
    .digest('hex');
};

export const isSameTemplate = (one: Fields, other: Fields): boolean => templateHash(one) === templateHash(other);

/** A ReplicaSet's template as its Deployment had it. */
export const templateOf = (replicaSet: Fields): Fields => {
  const template = fieldsOf(fieldsOf(replicaSet['spec'])['template']);
  const metadata = fieldsOf(template['metadata']);
  return {
    ...template,
    metadata: {
      ...without(metadata, new Set(['creationTimestamp'])),
      labels: without(fieldsOf(metadata['labels']), new Set([HASH_LABEL])),
    },
  };
};

/** The Deployment as it would be with another pod template. */
export const withTemplate = (deployment: Deployment, template: Fields): Deployment => ({
  ...deployment,
  template,
  labels: texts(fieldsOf(template['metadata'])['labels']),
  containers: containersOf(fieldsOf(template['spec'])),
});

/** Stable with the template that the new version starts from: its own, or the whole one that is released. */
export const withNewTemplate = (stable: Deployment, { template }: Pick<Target, 'template'>): Deployment =>
  template === null ? stable : withTemplate(stable, fieldsOf(template));

/** Whether a Deployment's template is the new version: the template released, or these images in whatever it has. */
export const isNewVersion = (deployment: Deployment, target: Pick<Target, 'template' | 'images'>): boolean =>
  target.template === null
    ? target.images.every(({ container, image }) =>
        deployment.containers.some((one) => one.name === container && one.image === image),
      )
    : isSameTemplate(deployment.template, fieldsOf(target.template));
