import type { KubeObject } from '../../harness/json.ts';
import { deployment, httpRoute, service } from '../../harness/objects.ts';
import { allowed, type HazardCase, type HazardContext, type Refusal, refused, released } from './case.ts';
import { foreignObject, shopObjects } from './surroundings.ts';

const CHECKOUT = { matchLabels: { app: 'checkout' } };
const MISMATCH = 'policy-mismatch';

const policy = (
  namespace: string,
  apiVersion: string,
  kind: string,
  spec: KubeObject['spec'],
  name = 'checkout',
): KubeObject => foreignObject(apiVersion, kind, { name, namespace }, { spec });

type Make = (namespace: string) => KubeObject;

const NETWORKING = 'networking.k8s.io/v1';
const networkPolicy: Make = (namespace) =>
  policy(namespace, NETWORKING, 'NetworkPolicy', {
    podSelector: CHECKOUT,
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: 8080, protocol: 'TCP' }] }],
    egress: [{ to: [{ podSelector: { matchLabels: { app: 'database' } } }] }],
  });
const database: Make = (namespace) =>
  policy(
    namespace,
    NETWORKING,
    'NetworkPolicy',
    {
      podSelector: { matchLabels: { app: 'database' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: CHECKOUT }], ports: [{ port: 5432, protocol: 'TCP' }] }],
    },
    'database',
  );
const budget: Make = (namespace) =>
  policy(namespace, 'policy/v1', 'PodDisruptionBudget', { selector: CHECKOUT, minAvailable: 2 });
const podMonitor: Make = (namespace) =>
  policy(namespace, 'monitoring.coreos.com/v1', 'PodMonitor', {
    selector: CHECKOUT,
    podMetricsEndpoints: [{ port: 'http' }],
  });
const serviceMonitor: Make = (namespace) =>
  policy(namespace, 'monitoring.coreos.com/v1', 'ServiceMonitor', {
    selector: { matchLabels: { 'app.kubernetes.io/managed-by': 'Helm' } },
    endpoints: [{ port: 'http' }],
  });
const backendTls: Make = (namespace) =>
  policy(namespace, 'gateway.networking.k8s.io/v1', 'BackendTLSPolicy', {
    targetRefs: [{ group: '', kind: 'Service', name: 'checkout' }],
    validation: { hostname: 'checkout.example', wellKnownCACertificates: 'System' },
  });
const destinationRule: Make = (namespace) =>
  policy(namespace, 'networking.istio.io/v1', 'DestinationRule', {
    host: 'checkout',
    trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } },
  });
const ofIstio =
  (kind: string, spec: KubeObject['spec'], group = 'security'): Make =>
  (namespace) =>
    policy(namespace, `${group}.istio.io/v1`, kind, spec);
const PROXIES = { workloadSelector: { labels: { app: 'checkout' } } };
const envoyFilter: Make = (namespace) => policy(namespace, 'networking.istio.io/v1alpha3', 'EnvoyFilter', PROXIES);
const linkerdServer: Make = (namespace) =>
  policy(namespace, 'policy.linkerd.io/v1beta3', 'Server', { podSelector: CHECKOUT, port: 8080 });

/** Kinds of one shape: each names the Service that it is for. */
const ON_SERVICES: readonly (readonly [kind: string, apiVersion: string, field: string])[] = [
  ['XBackendTrafficPolicy', 'gateway.networking.x-k8s.io/v1alpha1', 'targetRefs'],
  ['BackendTrafficPolicy', 'gateway.envoyproxy.io/v1alpha1', 'targetRefs'],
  ['BackendConfigPolicy', 'gateway.kgateway.dev/v1alpha1', 'targetRefs'],
  ['UpstreamSettingsPolicy', 'gateway.nginx.org/v1alpha1', 'targetRefs'],
  ['GCPBackendPolicy', 'networking.gke.io/v1', 'targetRef'],
  ['HealthCheckPolicy', 'networking.gke.io/v1', 'targetRef'],
  ['TargetGroupPolicy', 'application-networking.k8s.aws/v1alpha1', 'targetRef'],
  ['TargetGroupConfiguration', 'gateway.k8s.aws/v1beta1', 'targetReference'],
];

const onService =
  (kind: string, apiVersion: string, field: string): Make =>
  (namespace) => {
    const ref = { group: '', kind: 'Service', name: 'checkout' };
    return policy(namespace, apiVersion, kind, { [field]: field === 'targetRefs' ? [ref] : ref });
  };

const cilium: Make = (namespace) =>
  policy(namespace, 'cilium.io/v2', 'CiliumNetworkPolicy', { endpointSelector: CHECKOUT, ingress: [{}] });

/** A Service with a label that says who made it, and which is never copied. */
const fromHelm = (namespace: string): readonly KubeObject[] => {
  const made = service(namespace, 'checkout');
  const labels = { app: 'checkout', 'app.kubernetes.io/managed-by': 'Helm' };
  return [
    deployment({ namespace, name: 'checkout', version: '1.0' }),
    { ...made, metadata: { ...made.metadata, labels } },
    httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]),
  ];
};

const SELECTS = 'selects the pods of Deployment checkout and not the canary';

const refusal =
  (make: Make, text: string, more: Partial<Refusal> = {}) =>
  (context: HazardContext) => {
    const object = make(context.namespace);
    const allow = `${object.kind}/${object.metadata.name}`;
    return refused(context, { foreign: [object], reasonCode: MISMATCH, text: [allow, text], allow, ...more });
  };

const COPIED = [networkPolicy, database, budget, podMonitor];
const COPY = 'NetworkPolicy, PodDisruptionBudget, PodMonitor';
const COPIES = 'NetworkPolicy of stable, NetworkPolicy of its database, PodDisruptionBudget, PodMonitor';

const copied = (version: string, expect: 'promoted' | 'rolled-back') => (context: HazardContext) =>
  released(context, {
    foreign: COPIED.map((make) => make(context.namespace)),
    version,
    expect,
    does: '`copy`: copies for the canary, removed at the end',
    inputs: { copy: COPY },
    text: ['copying for the canary', 'NetworkPolicy'],
  });

const copiedMonitor = (context: HazardContext) =>
  released(context, {
    objects: fromHelm(context.namespace),
    foreign: [serviceMonitor(context.namespace)],
    version: '2.0',
    expect: 'promoted',
    does: '`copy`: a copy for the canary Service, removed at the end',
    inputs: { copy: 'ServiceMonitor' },
  });

const ALLOWED = 'NetworkPolicy/checkout\nNetworkPolicy/database\nPodDisruptionBudget/checkout\nPodMonitor/checkout';

const goesOn = (context: HazardContext) =>
  allowed(context, ALLOWED, {
    foreign: COPIED.map((make) => make(context.namespace)),
    version: '2.0',
    expect: 'promoted',
    does: 'goes on with a warning for each',
    text: SELECTS,
  });

/** The same rules for both arms, in one object or in two: nothing to say. */
const covered = (context: HazardContext) => {
  const { namespace } = context;
  const forBoth = { podSelector: {}, policyTypes: ['Ingress' as const], ingress: [{}] };
  const canary = { matchLabels: { app: 'checkout-canary' } };
  return released(context, {
    objects: shopObjects(namespace),
    foreign: [
      policy(namespace, NETWORKING, 'NetworkPolicy', forBoth, 'everybody'),
      budget(namespace),
      policy(namespace, 'policy/v1', 'PodDisruptionBudget', { selector: canary, maxUnavailable: 1 }, 'canary'),
      policy(namespace, 'networking.istio.io/v1', 'DestinationRule', { host: '*.svc.cluster.local' }, 'all'),
    ],
    version: '2.0',
    expect: 'promoted',
    does: 'nothing: the canary is covered',
  });
};

const of = (hazard: string, name: string, what: string, run: HazardCase['run']): HazardCase => ({
  hazard,
  name,
  what,
  run,
});
const full = (one: HazardCase): HazardCase => ({ ...one, onlyFull: true });

export const cases: readonly HazardCase[] = [
  of('network-policies', 'network-policy', "a NetworkPolicy for stable's pods", refusal(networkPolicy, SELECTS)),
  full(
    of(
      'network-policies',
      'network-policy-peers',
      "a database's NetworkPolicy that lets stable in",
      refusal(database, 'lets pods of Deployment checkout through and not the canary'),
    ),
  ),
  of('disruption-budgets', 'disruption-budget', "a PodDisruptionBudget for stable's pods", refusal(budget, SELECTS)),
  of('monitors', 'pod-monitor', "a PodMonitor for stable's pods", refusal(podMonitor, SELECTS)),
  full(
    of('monitors', 'service-monitor', 'a ServiceMonitor by a label that is never copied', (context) =>
      refusal(serviceMonitor, 'selects Service checkout and not the canary', { objects: fromHelm(context.namespace) })(
        context,
      ),
    ),
  ),
  of(
    'gateway-policies',
    'backend-tls-policy',
    "a BackendTLSPolicy on stable's Service",
    refusal(backendTls, 'is attached to Service checkout'),
  ),
  ...ON_SERVICES.map(([kind, apiVersion, field]) =>
    full(
      of(
        'gateway-policies',
        kind.toLowerCase(),
        `a ${kind} on stable's Service`,
        refusal(onService(kind, apiVersion, field), 'is attached to Service checkout'),
      ),
    ),
  ),
  of(
    'mesh-policies',
    'destination-rule',
    "an Istio DestinationRule for stable's Service",
    refusal(destinationRule, 'is for the host of Service checkout'),
  ),
  full(
    of(
      'mesh-policies',
      'authorization-policy',
      "an Istio AuthorizationPolicy for stable's pods",
      refusal(ofIstio('AuthorizationPolicy', { selector: CHECKOUT, rules: [{}] }), SELECTS),
    ),
  ),
  full(
    of(
      'mesh-policies',
      'peer-authentication',
      "an Istio PeerAuthentication for stable's pods",
      refusal(ofIstio('PeerAuthentication', { selector: CHECKOUT, mtls: { mode: 'STRICT' } }), SELECTS),
    ),
  ),
  full(
    of(
      'mesh-policies',
      'istio-sidecar',
      "an Istio Sidecar for stable's pods",
      refusal(ofIstio('Sidecar', { workloadSelector: { labels: { app: 'checkout' } } }, 'networking'), SELECTS),
    ),
  ),
  full(
    of(
      'mesh-policies',
      'request-authentication',
      "an Istio RequestAuthentication for stable's pods",
      refusal(ofIstio('RequestAuthentication', { selector: CHECKOUT }), SELECTS),
    ),
  ),
  full(of('mesh-policies', 'envoy-filter', "an Istio EnvoyFilter for stable's proxies", refusal(envoyFilter, SELECTS))),
  full(of('mesh-policies', 'linkerd-server', "a Linkerd Server for stable's pods", refusal(linkerdServer, SELECTS))),
  of('network-plugins', 'cilium-policy', "a CiliumNetworkPolicy for stable's pods", refusal(cilium, SELECTS)),
  of('network-policies', 'policies-copied-good', COPIES, copied('2.0', 'promoted')),
  full(of('network-policies', 'policies-copied-bad', COPIES, copied('2.0-bad', 'rolled-back'))),
  full(of('monitors', 'service-monitor-copied', 'a ServiceMonitor by a label that is never copied', copiedMonitor)),
  full(of('network-policies', 'policies-allowed', COPIES, goesOn)),
  full(of('disruption-budgets', 'policies-covered', "policies for everybody, and the canary's own budget", covered)),
];
