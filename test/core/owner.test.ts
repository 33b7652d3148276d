import { describe, expect, test } from 'vitest';
import { pathOf } from '../../src/core/field-managers.ts';
import { ownerOf, ownerText, standingTime } from '../../src/core/owner.ts';
import {
  ARGO_DEPLOYMENT,
  aDeployment,
  aRoute,
  HELM_CLI,
  HELM_RELEASE,
  IMAGE,
  KUSTOMIZATION,
  managed,
  REPLICAS,
  RULES,
  tracked,
} from '../hazards/owned.ts';

const IMAGE_PATH = ['f:spec', 'f:template', 'f:spec', 'f:containers', 'k:{"name":"app"}', 'f:image'];
type Marked = Parameters<typeof aDeployment>[0];
const owner = (metadata: Marked) => ownerOf(aDeployment(metadata), [IMAGE_PATH]);
const text = (metadata: Marked): string | null => {
  const found = owner(metadata);
  return found === null ? null : ownerText(found);
};

describe('who owns a Deployment', () => {
  test.each([
    ['Argo CD by its annotation', ARGO_DEPLOYMENT, 'the Argo CD Application shop-prod'],
    [
      'an Application of another namespace',
      tracked('apps/Deployment', 'team-a_shop-prod'),
      'the Argo CD Application team-a/shop-prod',
    ],
    ['Argo CD by its own label', { labels: { 'argocd.argoproj.io/instance': 'shop' } }, 'the Argo CD Application shop'],
    [
      'an ApplicationSet, where the labels tell it',
      { ...ARGO_DEPLOYMENT, labels: { 'argocd.argoproj.io/application-set-name': 'all-shops' } },
      'the Argo CD Application shop-prod (ApplicationSet all-shops)',
    ],
    ['a Flux Kustomization', KUSTOMIZATION, 'the Flux Kustomization flux-system/apps'],
    ['a Flux HelmRelease before the Helm release that it makes', HELM_RELEASE, 'the Flux HelmRelease shop/checkout'],
    ['a Helm release', HELM_CLI, 'the Helm release shop/checkout'],
    ['a controller that writes the image', { managedFields: [managed('argocd-controller', IMAGE)] }, 'Argo CD'],
    [
      'a controller of Flux that writes the image',
      { managedFields: [managed('kustomize-controller', IMAGE)] },
      "Flux's kustomize-controller",
    ],
    ['nobody', {}, null],
    ['kubectl, which does nothing by itself', { managedFields: [managed('kubectl-client-side-apply', IMAGE)] }, null],
    ['an autoscaler', { managedFields: [managed('keda-operator', REPLICAS)] }, null],
  ])('%s', (_, metadata, expected) => {
    expect(text(metadata)).toBe(expected);
  });

  test('is still the one that tracks it, whoever wrote the image last', () => {
    const managedFields = [managed('argocd-controller', REPLICAS), managed('canary-rollout', IMAGE, 2)];

    expect(owner({ ...ARGO_DEPLOYMENT, managedFields })?.tool).toBe('argo-cd');
  });

  test('is not a controller that writes something else', () => {
    expect(owner({ managedFields: [managed('argocd-controller', REPLICAS)] })).toBeNull();
    expect(owner({ managedFields: [managed('argocd-server', IMAGE)] })).toBeNull();
  });

  test('is not an Application whose annotation names another object: it was copied', () => {
    expect(owner(tracked('apps/Deployment', 'shop', 'payment'))).toBeNull();
    expect(owner(tracked('apps/StatefulSet'))).toBeNull();
    expect(owner({ annotations: { 'argocd.argoproj.io/tracking-id': 'shop' } })).toBeNull();
  });

  test("takes everybody's instance label for Argo CD's only beside its hand in the object", () => {
    const labels = { 'app.kubernetes.io/instance': 'shop' };

    expect(owner({ labels })).toBeNull();
    expect(text({ labels, managedFields: [managed('argocd-application-controller', REPLICAS)] })).toBe(
      'the Argo CD Application shop',
    );
  });

  test.each([
    ['kustomize.toolkit.fluxcd.io/ssa', 'IfNotPresent'],
    ['kustomize.toolkit.fluxcd.io/ssa', 'Ignore'],
    ['kustomize.toolkit.fluxcd.io/reconcile', 'disabled'],
  ])('is not a Kustomization that was told to leave it alone by %s: %s', (key, value) => {
    const managedFields = [managed('kustomize-controller', IMAGE)];

    expect(owner({ ...KUSTOMIZATION, annotations: { [key]: value }, managedFields })).toBeNull();
    expect(owner({ labels: { ...KUSTOMIZATION.labels, [key]: value }, managedFields })).toBeNull();
  });

  test('is a Kustomization that only merges: it overwrites what it names', () => {
    const annotations = { 'kustomize.toolkit.fluxcd.io/ssa': 'Merge' };

    expect(owner({ ...KUSTOMIZATION, annotations })?.tool).toBe('kustomization');
  });

  test('is Helm alone where Flux does not look for drift', () => {
    const annotations = { 'helm.toolkit.fluxcd.io/driftDetection': 'disabled' };

    expect(owner({ ...HELM_RELEASE, annotations })?.tool).toBe('helm');
  });

  test.each(['<img src=x>', 'a\nb', '`shop`', 'x'.repeat(300), '-shop', ''])('is not named %j', (name) => {
    expect(text(tracked('apps/Deployment', name))).toBe('Argo CD');
    expect(text({ labels: { 'kustomize.toolkit.fluxcd.io/name': name } })).toBe("Flux's kustomize-controller");
    expect(text({ annotations: { 'meta.helm.sh/release-name': name } })).toBe('Helm');
  });
});

describe('who owns a route', () => {
  test('is who owns the list of rules', () => {
    const route = aRoute({ managedFields: [managed('kustomize-controller', RULES)] });

    expect(ownerOf(route, [pathOf('spec.rules[0].backendRefs[checkout].weight')])?.tool).toBe('kustomization');
    expect(ownerOf(route, [pathOf('spec.timeouts')])).toBeNull();
  });

  test('decides how long a new entry must stand: only Argo CD looks soon enough to be waited for', () => {
    const of = (tool: 'argo-cd' | 'kustomization') => ({ tool, name: null, namespace: null, set: null });

    expect(standingTime([])).toBe(0);
    expect(standingTime([of('kustomization')])).toBe(0);
    expect(standingTime([of('kustomization'), of('argo-cd')])).toBe(15_000);
  });
});
