import { COPIED } from '../../src/core/copied-kinds.ts';
import type { KubeObject } from '../../src/core/objects.ts';
import type { CopiedKind } from '../../src/core/spec.ts';
import { object } from './world.ts';

/** A policy as people have it: owned, tracked and applied by others. */
export const policy = (kind: CopiedKind, name: string, spec: Record<string, unknown>): KubeObject =>
  object(COPIED[kind], name, {
    metadata: {
      labels: { team: 'a', 'argocd.argoproj.io/instance': 'shop', 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', 'example.com/why': 'audit' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'u' }],
      finalizers: ['example.com/keep'],
    },
    spec,
    status: { observedGeneration: 1 },
  });

export const selecting = (labels: Record<string, string>): object => ({ matchLabels: labels });
export const CHECKOUT = selecting({ app: 'checkout' });
