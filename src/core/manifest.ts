import { shortHash } from './marks.ts';
import { canonical, type Fields, fieldsOf, listOf, textOf } from './shape.ts';
import type { Manifest, Spec } from './spec.ts';

/** The pod template as it is written, with `image` put in. */
export const writtenTemplate = ({ deployment }: Pick<Manifest, 'deployment'>): Fields =>
  fieldsOf(fieldsOf(deployment['spec'])['template']);

/** The same for the same template, whatever the order of its members: tells a run that releases the same again. */
export const manifestHash = (manifest: Pick<Manifest, 'deployment'>): string =>
  shortHash(canonical(writtenTemplate(manifest)));

/** The images that are released, as far as they are known without the cluster: those given, or else the manifest's. */
export const imagesAsked = ({ images, manifest }: Pick<Spec, 'images' | 'manifest'>): readonly string[] => {
  if (manifest === null) return images.map(({ image }) => image);
  const { containers } = fieldsOf(writtenTemplate(manifest)['spec']);
  return listOf(containers).flatMap((container) => textOf(fieldsOf(container)['image']) ?? []);
};
