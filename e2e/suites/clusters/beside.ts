import type { KubeObject } from '../../harness/json.ts';
import { deployment, service } from '../../harness/objects.ts';
import { type HazardCase, type HazardContext, released } from './case.ts';
import { foreignObject } from './surroundings.ts';

const other = { matchLabels: { app: 'cart' } };

/** Another team's application with all that belongs to it, in the same namespace, and nothing of it about `checkout`. */
const neighbours = (namespace: string): readonly KubeObject[] => {
  const metadata = { name: 'cart', namespace };
  return [
    deployment({ namespace, name: 'cart', version: '1.0', replicas: 1 }),
    service(namespace, 'cart'),
    foreignObject('networking.k8s.io/v1', 'NetworkPolicy', metadata, {
      spec: { podSelector: other, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: {} }] }] },
    }),
    foreignObject('policy/v1', 'PodDisruptionBudget', metadata, { spec: { selector: other, minAvailable: 1 } }),
    foreignObject('autoscaling/v2', 'HorizontalPodAutoscaler', metadata, {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart' },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
        ],
      },
    }),
    foreignObject('v1', 'ResourceQuota', metadata, { spec: { hard: { pods: '50' } } }),
    foreignObject('networking.k8s.io/v1', 'Ingress', metadata, {
      spec: { defaultBackend: { service: { name: 'cart', port: { name: 'http' } } } },
    }),
    foreignObject('monitoring.coreos.com/v1', 'ServiceMonitor', metadata, {
      spec: { selector: other, endpoints: [{ port: 'http' }] },
    }),
    foreignObject('networking.istio.io/v1', 'DestinationRule', metadata, {
      spec: { host: 'cart', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } },
    }),
    foreignObject('security.istio.io/v1', 'AuthorizationPolicy', metadata, {
      spec: { selector: other, action: 'ALLOW', rules: [{}] },
    }),
  ];
};

const WHAT =
  "another application's Deployment, Service, HPA, NetworkPolicy, PDB, quota, Ingress, ServiceMonitor, Istio policies";
const NOTHING = 'nothing: it is not in the way';

const good = (context: HazardContext) =>
  released(context, { foreign: neighbours(context.namespace), version: '2.0', expect: 'promoted', does: NOTHING });

const bad = (context: HazardContext) =>
  released(context, {
    foreign: neighbours(context.namespace),
    version: '2.0-bad',
    expect: 'rolled-back',
    does: NOTHING,
  });

/** No hazard: what has nothing to do with the release is left alone. */
export const cases: readonly HazardCase[] = [
  { hazard: '–', name: 'neighbours-good', what: WHAT, onlyFull: true, run: good },
  { hazard: '–', name: 'neighbours-bad', what: WHAT, onlyFull: true, run: bad },
];
