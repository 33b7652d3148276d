import type { Manifest } from '../../src/core/spec.ts';
import type { Json } from '../../src/core/units.ts';

type Members = { readonly [member: string]: Json };

export const POD_TEMPLATE: Members = {
  metadata: { labels: { app: 'checkout' } },
  spec: { containers: [{ name: 'app', image: 'app:2', env: [{ name: 'LEVEL', value: 'debug' }] }] },
};

/** A manifest of `checkout` as the config hands it on; `spec` replaces members of the Deployment's. */
export const aManifest = (spec: Members = {}, changes: Partial<Manifest> = {}): Manifest => ({
  file: 'k8s/checkout.yaml',
  deployment: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'checkout' },
    spec: { selector: { matchLabels: { app: 'checkout' } }, template: POD_TEMPLATE, ...spec },
  },
  namespace: null,
  places: {
    deployment: { line: 1, column: 1 },
    namespace: { line: 4, column: 3 },
    selector: { line: 6, column: 3 },
    template: { line: 9, column: 3 },
  },
  others: [],
  ...changes,
});
