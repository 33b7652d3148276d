import type { Permission } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import type { Spec } from '../core/spec.ts';
import type { Json } from '../core/units.ts';
import type { Cluster } from '../ports/cluster.ts';
import { checkOthers } from './check-others.ts';
import { checkReferences } from './check-references.ts';

export interface TemplateInput {
  readonly cluster: Cluster;
  readonly spec: Pick<Spec, 'manifest'>;
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** What a whole pod template needs beside it, and, of a manifest, what else is in it. */
export const checkTemplate = async (
  { cluster, spec: { manifest }, namespace, signal }: TemplateInput,
  template: Json,
): Promise<readonly Finding[]> => {
  const [references, others] = await Promise.all([
    checkReferences(cluster, { namespace, template, manifest }, signal),
    manifest === null ? [] : checkOthers(cluster, namespace, manifest, signal),
  ]);
  return [...references, ...others];
};

/** For the Role of whoever releases whole templates: `optional`, because what cannot be read is told. */
export const REFERENCE_PERMISSIONS: readonly Permission[] = [
  {
    group: '',
    resource: 'secrets',
    verbs: [],
    optional: ['get'],
    why: 'see that the Secrets of a manifest exist, by name only',
  },
];
