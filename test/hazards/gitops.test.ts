import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { HORIZONTAL_POD_AUTOSCALER, objectRef } from '../../src/core/objects.ts';
import { allowing } from '../../src/drive/allowances.ts';
import { gitops } from '../../src/hazards/gitops/gitops.ts';
import { CONDUCT } from '../fakes/conduct.ts';
import {
  ARGO_DEPLOYMENT,
  ARGO_ROUTE,
  aDeployment,
  aRoute,
  type Changes,
  HELM_CLI,
  HELM_RELEASE,
  IMAGE,
  KUSTOMIZATION,
  managed,
  seeing,
  situation,
} from './owned.ts';

type Marked = Parameters<typeof aDeployment>[0];

const ofStable = (metadata: Marked, changes: Changes = {}) =>
  gitops.find(situation(changes), seeing(aDeployment(metadata), aRoute({})));
const ofRoute = (metadata: Marked, changes: Changes = {}) =>
  gitops.find(situation(changes), seeing(aDeployment({}), aRoute(metadata)));

describe("stable's Deployment that somebody owns", () => {
  test.each([
    ['Argo CD', ARGO_DEPLOYMENT, 'the Argo CD Application shop-prod owns its image'],
    ['a Kustomization', KUSTOMIZATION, 'the Flux Kustomization flux-system/apps owns its image'],
    ['a HelmRelease', HELM_RELEASE, 'the Flux HelmRelease shop/checkout owns its image'],
    ['a controller without marks', { managedFields: [managed('argocd-controller', IMAGE)] }, 'Argo CD owns its image'],
  ])('%s: refused, with both ways on', (_, metadata, text) => {
    const findings = ofStable(metadata);

    expect(findings).toMatchObject([
      { severity: 'error', code: 'owned-by-controller', where: 'Deployment shop/checkout', allow: 'drift' },
    ]);
    expect(findings[0]?.message).toContain(text);
    expect(allowing(findings, [])[0]?.advice).toMatch(/`until: promotion`.*or `allow: drift` goes on with a warning$/);
    expect(allowing(findings, ['drift'])[0]?.severity).toBe('warning');
  });

  test('is no hindrance where the owner itself updates stable', () => {
    const conduct = { ...CONDUCT, until: { kind: 'promotion' } as const };

    expect(ofStable(ARGO_DEPLOYMENT, { spec: { conduct } })).toEqual([]);
    expect(
      ofStable(ARGO_DEPLOYMENT, { spec: { conduct: { ...CONDUCT, until: { kind: 'weight', weight: 500 } } } }),
    ).toHaveLength(1);
  });

  test('is not sent to a way that the plan does not have', () => {
    const [inPlace] = ofStable(ARGO_DEPLOYMENT, { plan: { promoteAt: 'last-step' } });

    expect(inPlace?.advice).not.toContain('until');
  });

  test("of Helm: what the next upgrade does, and the new image's tag", () => {
    expect(ofStable(HELM_CLI)).toEqual([
      {
        severity: 'warning',
        code: 'owned-by-controller',
        where: 'Deployment shop/checkout',
        message:
          'Deployment shop/checkout: the Helm release shop/checkout owns it: the next `helm upgrade` brings the old version back, unless its values name the new one by then (often `--set image.tag=1.4.2`)',
        advice: null,
      },
    ]);
  });

  test('of Helm: no tag is named where the image has none', () => {
    const images = [{ container: 'app', image: `registry.example:5000/checkout@sha256:${'a'.repeat(64)}` }];

    expect(ofStable(HELM_CLI, { target: { images } })[0]?.message).toMatch(/by then$/);
  });

  test('with a manifest, the whole template counts', () => {
    const labels = { 'f:spec': { 'f:template': { 'f:metadata': { 'f:labels': {} } } } };
    const managedFields = [managed('kustomize-controller', labels)];

    expect(ofStable({ managedFields })).toEqual([]);
    expect(ofStable({ managedFields }, { target: { template: {} } })[0]?.message).toContain('owns its pod template');
  });

  test('by another container than those released, it does not count', () => {
    const images = [{ container: 'sidecar', image: 'sidecar:2' }];

    expect(ofStable({ managedFields: [managed('argocd-controller', IMAGE)] }, { target: { images } })).toEqual([]);
  });
});

describe('a canary Deployment of the user that somebody owns', () => {
  const pair = { replicas: 0, images: [], arms: '' };
  const found = (metadata: Marked, target = {}) =>
    gitops.find(situation({ target }), seeing(aDeployment(metadata, 'checkout-canary')));

  test('is refused: its image and replicas are written', () => {
    const tracking = { labels: { 'argocd.argoproj.io/instance': 'shop' } };

    expect(found(tracking, { pair })).toMatchObject([
      { severity: 'error', where: 'Deployment shop/checkout-canary', allow: 'drift' },
    ]);
    expect(found(HELM_CLI, { pair })).toEqual([]);
    expect(found(tracking)).toEqual([]);
  });
});

describe('a route that somebody owns', () => {
  const snippet = (metadata: Marked, changes: Changes = {}) => {
    const [only, ...others] = ofRoute(metadata, changes);

    expect(others).toEqual([]);
    expect(only).toMatchObject({ severity: 'warning', code: 'owned-by-controller', where: 'HTTPRoute shop/checkout' });
    return { message: only?.message, yaml: parse(only?.advice ?? '') as unknown };
  };

  test('Argo CD: ignores exactly what is written, and respects that when it syncs', () => {
    const { message, yaml } = snippet(ARGO_ROUTE, { plan: {} });

    expect(message).toContain('the new entry has to stand for 2 s');
    expect(yaml).toEqual({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: 'shop-prod' },
      spec: {
        ignoreDifferences: [
          {
            group: 'gateway.networking.k8s.io',
            kind: 'HTTPRoute',
            name: 'checkout',
            namespace: 'shop',
            jqPathExpressions: [
              '.spec.rules[]?.backendRefs[]? | select(.name == "checkout-canary")',
              '.spec.rules[]?.backendRefs[]? | select(.name == "checkout") | .weight',
            ],
          },
        ],
        syncPolicy: { syncOptions: ['RespectIgnoreDifferences=true'] },
      },
    });
  });

  test('Argo CD: one path serves all rules, and all weights where all of them are multiplied', () => {
    const fields = [0, 1].flatMap((rule) => [
      `spec.rules[${rule}].backendRefs[checkout-canary]`,
      `spec.rules[${rule}].backendRefs[].weight`,
    ]);

    expect(snippet(ARGO_ROUTE, { fields }).yaml).toMatchObject({
      spec: {
        ignoreDifferences: [
          {
            jqPathExpressions: [
              '.spec.rules[]?.backendRefs[]? | select(.name == "checkout-canary")',
              '.spec.rules[]?.backendRefs[]?.weight',
            ],
          },
        ],
      },
    });
  });

  test('a Kustomization: ignores the lists by their place', () => {
    const { message, yaml } = snippet(KUSTOMIZATION);

    expect(message).toContain('Flux comes by less often than that');
    expect(yaml).toEqual({
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata: { name: 'apps', namespace: 'flux-system' },
      spec: {
        ignore: [
          {
            paths: ['/spec/rules/0/backendRefs'],
            target: { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'checkout', namespace: 'shop' },
          },
        ],
      },
    });
  });

  test('a HelmRelease: its drift detection ignores them', () => {
    expect(snippet(HELM_RELEASE).yaml).toEqual({
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      metadata: { name: 'checkout', namespace: 'shop' },
      spec: {
        driftDetection: {
          ignore: [
            {
              paths: ['/spec/rules/0/backendRefs'],
              target: { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'checkout', namespace: 'shop' },
            },
          ],
        },
      },
    });
  });

  test('Helm, which does nothing before its next upgrade: nothing is said', () => {
    expect(ofRoute(HELM_CLI)).toEqual([]);
  });
});

describe('an autoscaler that is held and that somebody owns', () => {
  const ref = objectRef(HORIZONTAL_POD_AUTOSCALER, 'shop', 'checkout');
  const fields = [{ path: '/spec/minReplicas', was: 2, held: 3 }];
  const hpa = (metadata: Marked) => ({
    apiVersion: ref.apiVersion,
    kind: ref.kind,
    metadata: { name: 'checkout', namespace: 'shop', ...metadata },
  });
  const found = (metadata: Marked) =>
    gitops.find(situation({ target: { autoscaler: { ref, fields } } }), seeing(hpa(metadata)));

  test('is warned of, with its bound to be left alone', () => {
    const [finding] = found({ labels: { 'argocd.argoproj.io/instance': 'shop' } });

    expect(finding).toMatchObject({ severity: 'warning', where: 'HorizontalPodAutoscaler shop/checkout' });
    expect(parse(finding?.advice ?? '')).toMatchObject({
      spec: { ignoreDifferences: [{ group: 'autoscaling', jsonPointers: ['/spec/minReplicas'] }] },
    });
  });

  test("is nobody's where its controller writes only the replicas", () => {
    expect(found({})).toEqual([]);
  });
});
