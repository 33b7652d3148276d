import { describe, expect, test } from 'vitest';
import { type KubeObject, type ReadRef, type ResourceKind, refKey, type Seen } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import type { Finding } from '../../src/core/reason.ts';
import { COPIED_KINDS, type CopiedKind } from '../../src/core/spec.ts';
import { allowing } from '../../src/drive/allowances.ts';
import { calicoSelector } from '../../src/hazards/policies/calico-selector.ts';
import { disruptionBudgets, monitors, networkPolicies } from '../../src/hazards/policies/copied.ts';
import { meshPolicies } from '../../src/hazards/policies/mesh.ts';
import { networkPlugins } from '../../src/hazards/policies/network-plugins.ts';
import { gatewayPolicies } from '../../src/hazards/policies/services.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { aSpec } from '../fakes/spec.ts';
import { CHECKOUT, policy, selecting } from '../workloads/policies.ts';
import { deployment, object, type Strings, see, service, targetIn } from '../workloads/world.ts';

const HAZARDS = [networkPolicies, disruptionBudgets, monitors, gatewayPolicies, meshPolicies, networkPlugins];
const WORLD = [
  deployment(),
  service('checkout', { app: 'checkout' }, { metadata: { labels: { app: 'checkout', 'helm.sh/chart': 'c-1' } } }),
];
const TARGET: Target = targetIn(WORLD);

/** Everything that the hazards may read, with these objects in it. */
const seeing = (target: Target, policies: readonly KubeObject[]): Seen => {
  const situation = { spec: aSpec(), target, plan: null, fields: {} };
  const own = see(deploymentWorkload.reads(target, true), WORLD);
  const wanted: readonly ReadRef[] = HAZARDS.flatMap(({ reads }) => reads(situation, own));
  const group = (apiVersion: string) => apiVersion.split('/')[0];
  const lists = wanted.map((ref) => {
    const isOfKind = (one: KubeObject) => one.kind === ref.kind && group(one.apiVersion) === group(ref.apiVersion);
    return [refKey(ref), policies.filter(isOfKind)] as const;
  });
  return { objects: own.objects, lists: new Map([...own.lists, ...lists]) };
};
const found = (policies: readonly KubeObject[], target = TARGET): readonly Finding[] => {
  const situation = { spec: aSpec(), target, plan: null, fields: {} };
  return HAZARDS.flatMap((hazard) => hazard.find(situation, seeing(target, policies)));
};
const texts = (...policies: readonly KubeObject[]) => found(policies).map(({ message }) => message);
const kind = (apiVersion: string, name: string): ResourceKind => ({
  apiVersion,
  kind: name,
  plural: `${name.toLowerCase()}s`,
});
const of = (apiVersion: string, name: string, spec: object, called = 'one'): KubeObject =>
  object(kind(apiVersion, name), called, { spec });
const ISTIO = 'security.istio.io/v1';

describe('a policy for stable’s pods alone', () => {
  test.each<[CopiedKind, object, string]>([
    [
      'NetworkPolicy',
      { podSelector: CHECKOUT, policyTypes: ['Ingress', 'Egress'] },
      'everybody could reach the canary, and the canary could reach everything',
    ],
    ['PodDisruptionBudget', { selector: CHECKOUT }, 'draining nodes could take all pods of the canary at once'],
    ['PodMonitor', { selector: CHECKOUT }, 'the metrics of the canary would not be collected'],
  ])('is refused by name, with what would come of it: %s', (name, spec, consequence) => {
    const [finding, ...others] = found([policy(name, 'guard', spec as Record<string, unknown>)]);

    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      severity: 'error',
      code: 'policy-mismatch',
      where: `${name} shop/guard`,
      allow: `${name}/guard`,
    });
    expect(finding?.message).toContain(
      `${name} shop/guard selects the pods of Deployment checkout and not the canary's: ${consequence}`,
    );
    expect(finding?.advice).toContain(`\`copy: ${name}\``);
  });

  test.each<[CopiedKind, object]>([
    ['NetworkPolicy', { podSelector: CHECKOUT }],
    ['PodDisruptionBudget', { selector: CHECKOUT, maxUnavailable: 1 }],
    ['PodMonitor', { selector: CHECKOUT }],
    ['ServiceMonitor', { selector: selecting({ 'helm.sh/chart': 'c-1' }) }],
  ])('is in nobody’s way once it is copied: %s', (name, spec) => {
    const guard = policy(name, 'guard', spec as Record<string, unknown>);
    const target = targetIn([...WORLD, guard], { copy: COPIED_KINDS });

    expect(found([guard])).toHaveLength(1);
    expect(found([guard], target)).toEqual([]);
  });

  test('of the Service is named as such', () => {
    expect(texts(policy('ServiceMonitor', 'guard', { selector: selecting({ 'helm.sh/chart': 'c-1' }) }))).toEqual([
      "ServiceMonitor shop/guard selects Service checkout and not the canary's: the metrics of the canary would not be collected, so it could not be judged by them.",
    ]);
  });

  test('becomes a warning where it is allowed by its own name, and not by another', () => {
    const findings = found([policy('PodDisruptionBudget', 'guard', { selector: CHECKOUT })]);

    expect(allowing(findings, ['PodDisruptionBudget/guard'])).toMatchObject([{ severity: 'warning' }]);
    expect(allowing(findings, ['PodDisruptionBudget/other'])).toMatchObject([
      { severity: 'error', advice: expect.stringContaining('`allow: PodDisruptionBudget/guard`') },
    ]);
  });

  test.each<[string, CopiedKind, object]>([
    ['everybody', 'NetworkPolicy', { podSelector: {} }],
    [
      'both by another label',
      'NetworkPolicy',
      { podSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } },
    ],
    ['others', 'NetworkPolicy', { podSelector: selecting({ app: 'cart' }) }],
    ['nobody, without a selector', 'PodDisruptionBudget', {}],
    ['everybody', 'PodDisruptionBudget', { selector: {} }],
    ['the Services of both', 'ServiceMonitor', { selector: CHECKOUT }],
    [
      'the pods of another namespace',
      'PodMonitor',
      { selector: CHECKOUT, namespaceSelector: { matchNames: ['cart'] } },
    ],
  ])('is not one that selects %s: %s', (_, name, spec) => {
    expect(found([policy(name, 'guard', spec as Record<string, unknown>)])).toEqual([]);
  });

  test('says what stays closed where another policy closes everything', () => {
    const denyAll = policy('NetworkPolicy', 'deny-all', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    const guard = policy('NetworkPolicy', 'guard', { podSelector: CHECKOUT, policyTypes: ['Ingress', 'Egress'] });

    expect(texts(denyAll, guard)).toEqual([
      "NetworkPolicy shop/guard selects the pods of Deployment checkout and not the canary's: what may reach checkout could not reach the canary, and the canary could not reach what checkout may reach.",
    ]);
  });
});

describe('a policy for the canary’s pods alone', () => {
  const canary = selecting({ app: 'checkout-canary' });

  test('is refused where stable has none that says the same', () => {
    const ahead = policy('NetworkPolicy', 'ahead', { podSelector: canary, ingress: [] });

    expect(found([ahead])).toMatchObject([{ code: 'policy-mismatch', allow: 'NetworkPolicy/ahead' }]);
    expect(found([ahead, policy('NetworkPolicy', 'guard', { podSelector: CHECKOUT, ingress: [] })])).toEqual([]);
  });

  test('is what a budget of stable’s needs', () => {
    const budgets = [CHECKOUT, canary].map((selector, index) =>
      policy('PodDisruptionBudget', `b${index}`, { selector, maxUnavailable: index }),
    );

    expect(found(budgets)).toEqual([]);
  });
});

describe('a NetworkPolicy of other pods', () => {
  const database = policy('NetworkPolicy', 'database', {
    podSelector: selecting({ app: 'database' }),
    ingress: [{ from: [{ podSelector: CHECKOUT }] }],
    egress: [{ to: [{ podSelector: CHECKOUT }] }],
  });

  test('that lets stable through is refused with what the canary could not do', () => {
    const [finding] = found([database]);

    expect(finding).toMatchObject({ severity: 'error', allow: 'NetworkPolicy/database' });
    expect(finding?.message).toBe(
      "NetworkPolicy shop/database lets pods of Deployment checkout through and not the canary's: the canary could not reach the pods that it protects, and checkout can, and the pods that it holds back could not reach the canary, and can reach checkout.",
    );
  });

  test('is in nobody’s way once what it lets through is copied', () => {
    expect(found([database], targetIn([...WORLD, database], { copy: ['NetworkPolicy'] }))).toEqual([]);
  });
});

describe('a policy on stable’s Service', () => {
  const TLS = 'gateway.networking.k8s.io/v1';
  const on = (name: string, more: object = {}) => ({ targetRefs: [{ group: '', kind: 'Service', name, ...more }] });

  test('is refused where none is on the canary’s', () => {
    const [finding] = found([of(TLS, 'BackendTLSPolicy', on('checkout'))]);

    expect(finding).toMatchObject({ code: 'policy-mismatch', allow: 'BackendTLSPolicy/one' });
    expect(finding?.message).toMatch(/is attached to Service checkout, and none is to the canary's: the gateway would/);
    expect(finding?.advice).toContain('Service checkout-canary');
  });

  test.each<[string, readonly object[]]>([
    ['the canary’s Service has one too', [on('checkout'), on('checkout-canary')]],
    ['it is on another Service', [on('cart')]],
    ['it is on a route of that name', [{ targetRefs: [{ group: TLS, kind: 'HTTPRoute', name: 'checkout' }] }]],
    ['it is on a Service of another namespace', [on('checkout', { namespace: 'cart' })]],
  ])('is in nobody’s way where %s', (_, specs) => {
    expect(found(specs.map((spec, index) => of(TLS, 'BackendTLSPolicy', spec, `p${index}`)))).toEqual([]);
  });

  test('is found with one target, in the words of each controller', () => {
    const target = { group: '', kind: 'Service', name: 'checkout' };

    expect(
      found([
        of('networking.gke.io/v1', 'HealthCheckPolicy', { targetRef: target }),
        of('gateway.k8s.aws/v1beta1', 'TargetGroupConfiguration', {
          targetReference: { kind: 'Service', name: 'checkout' },
        }),
        of(ISTIO, 'AuthorizationPolicy', { targetRefs: [target] }),
      ]).map(({ allow }) => allow),
    ).toEqual(['HealthCheckPolicy/one', 'TargetGroupConfiguration/one', 'AuthorizationPolicy/one']);
  });

  test('covers both arms where they share the Service', () => {
    expect(found([of(TLS, 'BackendTLSPolicy', on('checkout'))], { ...TARGET, canaryService: null })).toEqual([]);
  });
});

describe('a policy of a mesh', () => {
  test.each<[string, string, object, string]>([
    [ISTIO, 'AuthorizationPolicy', { selector: CHECKOUT }, 'AuthorizationPolicy/one'],
    [ISTIO, 'PeerAuthentication', { selector: CHECKOUT }, 'PeerAuthentication/one'],
    [ISTIO, 'RequestAuthentication', { selector: CHECKOUT }, 'RequestAuthentication/one'],
    ['networking.istio.io/v1', 'Sidecar', { workloadSelector: { labels: { app: 'checkout' } } }, 'Sidecar/one'],
    ['policy.linkerd.io/v1beta3', 'Server', { podSelector: CHECKOUT }, 'Server/one'],
    ['networking.istio.io/v1', 'DestinationRule', { host: 'checkout' }, 'DestinationRule/one'],
    ['networking.istio.io/v1', 'DestinationRule', { host: 'checkout.shop.svc.cluster.local' }, 'DestinationRule/one'],
  ])('is refused: %s %s %j', (apiVersion, name, spec, allow) => {
    const [finding, ...others] = found([of(apiVersion, name, spec)]);

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code: 'policy-mismatch', allow });
    expect(finding?.advice).not.toContain('copy:');
  });

  test.each<[string, string, readonly object[]]>([
    [ISTIO, 'AuthorizationPolicy', [{ action: 'ALLOW' }]],
    [ISTIO, 'PeerAuthentication', [{ mtls: { mode: 'STRICT' } }]],
    [ISTIO, 'AuthorizationPolicy', [{ selector: selecting({ app: 'cart' }) }]],
    ['networking.istio.io/v1', 'DestinationRule', [{ host: '*.shop.svc.cluster.local' }]],
    ['networking.istio.io/v1', 'DestinationRule', [{ host: 'checkout' }, { host: 'checkout-canary.shop' }]],
    ['networking.istio.io/v1', 'DestinationRule', [{ host: 'checkout.cart.svc.cluster.local' }]],
  ])('is in nobody’s way where it is for both or for others: %s %s %j', (apiVersion, name, specs) => {
    expect(found(specs.map((spec, index) => of(apiVersion, name, spec, `p${index}`)))).toEqual([]);
  });
});

describe('a policy of a network plugin', () => {
  const cilium = (matchLabels: Strings) =>
    of('cilium.io/v2', 'CiliumNetworkPolicy', { endpointSelector: { matchLabels } });
  const calico = (selector: string) => of('projectcalico.org/v3', 'NetworkPolicy', { selector });

  test('is refused where it selects stable’s pods alone', () => {
    const rules = { ...of('cilium.io/v2', 'CiliumNetworkPolicy', {}, 'many'), specs: [{ endpointSelector: CHECKOUT }] };
    const labels = { 'k8s:app': 'checkout', 'k8s:io.kubernetes.pod.namespace': 'shop' };

    expect(found([cilium(labels), rules]).map(({ allow }) => allow)).toEqual([
      'CiliumNetworkPolicy/one',
      'CiliumNetworkPolicy/many',
    ]);
    expect(found([calico("app == 'checkout'")]).map(({ allow }) => allow)).toEqual(['CalicoNetworkPolicy/one']);
  });

  test('is in nobody’s way where it selects both, or others', () => {
    expect(found([cilium({}), cilium({ app: 'cart' }), calico('all()'), calico("app != 'cart'")])).toEqual([]);
    expect(found([calico("projectcalico.org/namespace == 'shop'")])).toEqual([]);
  });

  test('is told as not checked where its selector is not understood', () => {
    expect(found([calico('app ~ /checkout/')])).toMatchObject([{ severity: 'warning' }]);
  });

  test.each<[string, boolean | null]>([
    ['', true],
    ["app == 'checkout' && has(tier)", true],
    ['app in {"cart", "checkout"}', true],
    ['app not in {"cart", "checkout"}', false],
    ["!has(team) && (tier == 'x' || tier starts with 'we')", true],
    ["tier ends with 'b' && !(app contains 'out')", false],
    ["team != 'a'", true],
    ["app == 'checkout' &&", null],
    ['('.repeat(200), null],
    ["app == 'checkout' trailing", null],
  ])('reads the selector %j', (text, expected) => {
    expect(calicoSelector(text)?.({ app: 'checkout', tier: 'web' }) ?? null).toBe(expected);
  });
});

test('every policy hazard has rows, with the reason and the way around it', () => {
  for (const { rows } of HAZARDS) {
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      expect(row).toMatchObject({ code: 'policy-mismatch', override: expect.stringContaining('`allow: ') });
    }
  }
});

test('nothing is said of policies while there is no stable', () => {
  const situation = { spec: aSpec(), target: TARGET, plan: null, fields: {} };
  const guard = policy('NetworkPolicy', 'guard', { podSelector: CHECKOUT });
  const seen = { objects: new Map(), lists: seeing(TARGET, [guard]).lists };

  expect(HAZARDS.flatMap((hazard) => hazard.find(situation, seen))).toEqual([]);
});
