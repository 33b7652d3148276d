import type { KubeObject, Metadata } from '../../src/core/objects.ts';
import { DEPLOYMENT, objectRef, refKey, type Seen } from '../../src/core/objects.ts';
import type { Plan, Target } from '../../src/core/plan.ts';
import type { Spec } from '../../src/core/spec.ts';
import type { Json } from '../../src/core/units.ts';
import type { Situation } from '../../src/ports/hazard.ts';
import { aPlan } from '../core/plan.ts';
import { aSpec } from '../fakes/spec.ts';

/** Objects as delivery tools leave them behind: marks and managedFields in the shapes that the API server shows. */

export const ROUTE = objectRef(
  { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' },
  'shop',
  'checkout',
);
export const STABLE = objectRef(DEPLOYMENT, 'shop', 'checkout');

type ManagedEntry = NonNullable<Metadata['managedFields']>[number];

/** A server-side apply of a Deployment with one container. */
export const IMAGE: Json = {
  'f:metadata': { 'f:labels': { 'f:app': {} } },
  'f:spec': {
    'f:replicas': {},
    'f:selector': {},
    'f:template': {
      'f:metadata': { 'f:labels': { 'f:app': {} } },
      'f:spec': { 'f:containers': { 'k:{"name":"app"}': { '.': {}, 'f:image': {}, 'f:name': {}, 'f:ports': {} } } },
    },
  },
};
/** Lists of custom resources are replaced whole, so the list itself is owned. */
export const RULES: Json = { 'f:spec': { 'f:parentRefs': {}, 'f:hostnames': {}, 'f:rules': {} } };
/** What an autoscaler owns. */
export const REPLICAS: Json = { 'f:spec': { 'f:replicas': {} } };

export const managed = (manager: string, fieldsV1: Json, second = 1): ManagedEntry => ({
  manager,
  operation: manager.endsWith('-controller') ? 'Apply' : 'Update',
  time: `2026-03-01T10:00:0${second}Z`,
  fieldsV1,
});

type Marked = Pick<Metadata, 'labels' | 'annotations' | 'managedFields'>;

const object = ({ apiVersion, kind, name, namespace }: typeof ROUTE, metadata: Marked): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace, ...metadata },
});

export const aDeployment = (metadata: Marked, name = 'checkout'): KubeObject => object({ ...STABLE, name }, metadata);
export const aRoute = (metadata: Marked): KubeObject => object(ROUTE, metadata);

export const tracked = (type: string, application = 'shop-prod', name = 'checkout'): Marked => ({
  annotations: { 'argocd.argoproj.io/tracking-id': `${application}:${type}:shop/${name}` },
});
export const ARGO_DEPLOYMENT = tracked('apps/Deployment');
export const ARGO_ROUTE = tracked('gateway.networking.k8s.io/HTTPRoute');
export const KUSTOMIZATION: Marked = {
  labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' },
};
const HELM = {
  annotations: { 'meta.helm.sh/release-name': 'checkout', 'meta.helm.sh/release-namespace': 'shop' },
  labels: { 'app.kubernetes.io/managed-by': 'Helm', 'app.kubernetes.io/instance': 'checkout' },
};
export const HELM_CLI: Marked = HELM;
export const HELM_RELEASE: Marked = {
  ...HELM,
  labels: {
    ...HELM.labels,
    'helm.toolkit.fluxcd.io/name': 'checkout',
    'helm.toolkit.fluxcd.io/namespace': 'shop',
  },
};

export const seeing = (...objects: readonly KubeObject[]): Seen => ({
  objects: new Map(
    objects.map((one) => {
      const ref = {
        apiVersion: one.apiVersion,
        kind: one.kind,
        plural: '',
        namespace: 'shop',
        name: one.metadata.name,
      };
      return [refKey(ref), one];
    }),
  ),
  lists: new Map(),
});

export const FIELDS = ['spec.rules[0].backendRefs[checkout-canary]', 'spec.rules[0].backendRefs[checkout].weight'];

export interface Changes {
  readonly spec?: Partial<Spec>;
  readonly plan?: Partial<Plan>;
  readonly target?: Partial<Target>;
  readonly fields?: readonly string[];
}

export const situation = ({ spec = {}, plan = {}, target = {}, fields = FIELDS }: Changes = {}): Situation => {
  const made = aPlan(plan);
  const images = [{ container: 'app', image: 'registry.example:5000/checkout:1.4.2' }];
  const whole = { ...made.target, routes: [ROUTE], images, ...target };
  return {
    spec: aSpec(spec),
    target: whole,
    plan: { ...made, target: whole },
    fields: { [refKey(ROUTE)]: fields },
  };
};
