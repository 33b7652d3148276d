import { CUSTOM_KINDS, collectionOf, type Served } from '../../harness/kinds.ts';
import type { Context } from '../../harness/shop.ts';

const ANYTHING = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** Of our own and minimal: group, names and scope are the real ones, and every field is kept as sent. */
const definitionOf = ({ kind, apiVersion, plural }: Served): object => {
  const [group = '', version = ''] = apiVersion.split('/');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    // Groups of Kubernetes ask for it: https://github.com/kubernetes/enhancements/pull/1111
    metadata: { name: `${plural}.${group}`, annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests' } },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: ANYTHING, status: ANYTHING } } },
        },
      ],
    },
  };
};

/** Said below the table. */
export const DEFINED_HERE = `real objects of minimal definitions of ours, on which no controller acts: ${CUSTOM_KINDS.map(({ kind }) => kind).join(', ')}`;

/** Defines the kinds that clusters usually have and the stack has not. Resolves when all of them are served. */
export const defineKinds = async ({ kube }: Context): Promise<void> => {
  const definitions = collectionOf('CustomResourceDefinition', '');
  await Promise.all(CUSTOM_KINDS.map((kind) => kube.create(definitions, definitionOf(kind))));
  for (const { kind } of CUSTOM_KINDS) {
    await kube.until(
      `${kind} served`,
      async () => (await kube.call('GET', collectionOf(kind, 'default'))).status === 200,
    );
  }
};
