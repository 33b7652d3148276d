import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { created, deployment, guard, labelsOf, type Strings, seeFor, service, targetIn } from './world.ts';

const POD_SPEC = {
  serviceAccountName: 'checkout',
  terminationGracePeriodSeconds: 45,
  volumes: [{ name: 'config', configMap: { name: 'checkout' } }],
  initContainers: [{ name: 'migrate', image: 'app:1', args: ['up'] }],
  containers: [
    {
      name: 'app',
      image: 'app:1',
      env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      ports: [
        { name: 'http', containerPort: 8080 },
        { name: 'grpc', containerPort: 9090 },
      ],
      readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
      volumeMounts: [{ name: 'config', mountPath: '/etc/app' }],
    },
    { name: 'proxy', image: 'proxy:1', resources: { limits: { cpu: '1' } } },
  ],
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'checkout' } } },
      ],
    },
  },
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', labelSelector: { matchLabels: { app: 'checkout' } } }],
};

const STABLE = deployment({
  podSpec: POD_SPEC,
  labels: { app: 'checkout', team: 'a', 'helm.sh/chart': 'checkout-1.0.0' },
  selector: { matchLabels: { app: 'checkout' } },
  templateAnnotations: { 'prometheus.io/scrape': 'true', 'argocd.argoproj.io/sync-wave': '1' },
  spec: { paused: false, minReadySeconds: 3 },
  metadata: {
    labels: { app: 'checkout', 'app.kubernetes.io/instance': 'argo-app', 'canary-rollout.github.io/holder-x': 'y' },
    annotations: { 'deployment.kubernetes.io/revision': '3', 'example.com/owner': 'team-a' },
  },
});
const SERVICE = service('checkout', { app: 'checkout' });
const IMAGES = [
  { container: 'migrate', image: 'app:2' },
  { container: 'app', image: 'app:2' },
];

const spec = (object: KubeObject) => object['spec'] as Record<string, unknown>;
const copyOf = (stable: KubeObject, of: KubeObject = SERVICE) => {
  const target = targetIn([stable, of], { images: IMAGES });
  const seen = seeFor(target, [stable, of]);
  return { target, seen, canary: created(seen, target, 'canary', 2), service: created(seen, target, 'canary-service') };
};

describe('the canary Deployment', () => {
  test('has the whole template with the new images, and only the labels changed', () => {
    const { canary } = copyOf(STABLE);
    const { template } = spec(canary) as { template: { metadata: unknown; spec: unknown } };
    const [app, proxy] = POD_SPEC.containers;
    const [migrate] = POD_SPEC.initContainers;

    expect(template.spec).toEqual({
      ...POD_SPEC,
      initContainers: [{ ...migrate, image: 'app:2' }],
      containers: [{ ...app, image: 'app:2' }, proxy],
    });
    expect(template.metadata).toEqual({
      labels: { app: 'checkout-canary', team: 'a' },
      annotations: { 'prometheus.io/scrape': 'true' },
    });
  });

  test('keeps everything else of stable’s spec', () => {
    const { canary } = copyOf(STABLE);

    expect(spec(canary)).toMatchObject({
      replicas: 2,
      revisionHistoryLimit: 5,
      progressDeadlineSeconds: 90,
      minReadySeconds: 3,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      selector: { matchLabels: { app: 'checkout-canary' } },
    });
    expect(spec(canary)).not.toHaveProperty('paused');
  });

  test('is labelled as ours, carries both marks as labels, and says where it comes from', () => {
    const { metadata } = copyOf(STABLE).canary;

    expect(metadata.labels).toEqual({
      app: 'checkout',
      'app.kubernetes.io/managed-by': 'canary-rollout',
      [guard.holder.key]: 'token-1',
      [guard.wayBack.key]: 'r1',
    });
    expect(metadata.annotations).toEqual({
      'example.com/owner': 'team-a',
      'example.com/run': 'https://example.invalid/1',
    });
  });

  test.each([
    ['a Helm release', { 'meta.helm.sh/release-name': 'checkout' }],
    ['Argo CD’s annotation', { 'argocd.argoproj.io/tracking-id': 'x' }],
  ])('keeps app.kubernetes.io/instance where %s shows that it is not tracking', (_, annotations) => {
    const labels = { 'app.kubernetes.io/instance': 'checkout' };

    const { canary } = copyOf(deployment({ podSpec: POD_SPEC, metadata: { labels, annotations } }));

    expect(canary.metadata.labels).toMatchObject(labels);
  });

  test('selects by its changed labels where stable selects by expressions', () => {
    const matchExpressions = [
      { key: 'app', operator: 'In', values: ['checkout'] },
      { key: 'team', operator: 'Exists' },
    ];
    const stable = deployment({
      podSpec: POD_SPEC,
      labels: { app: 'checkout', team: 'a' },
      selector: { matchExpressions },
    });

    const { canary } = copyOf(stable);

    expect(spec(canary)['selector']).toEqual({
      matchLabels: { app: 'checkout-canary' },
      matchExpressions: [{ key: 'team', operator: 'Exists' }],
    });
  });
});

describe('the canary Service', () => {
  const exposed = service(
    'checkout',
    { app: 'checkout' },
    {
      spec: {
        type: 'LoadBalancer',
        externalIPs: ['192.0.2.1'],
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 31000,
        loadBalancerIP: '192.0.2.2',
        loadBalancerClass: 'x',
        loadBalancerSourceRanges: ['192.0.2.0/24'],
        allocateLoadBalancerNodePorts: true,
        ipFamilyPolicy: 'SingleStack',
        ipFamilies: ['IPv4'],
        internalTrafficPolicy: 'Cluster',
        sessionAffinity: 'ClientIP',
        trafficDistribution: 'PreferClose',
        ports: [
          { name: 'http', port: 80, targetPort: 'http', nodePort: 30080, appProtocol: 'kubernetes.io/h2c' },
          { name: 'grpc', port: 90, targetPort: 9090, nodePort: 30090 },
        ],
      },
      metadata: {
        labels: { app: 'checkout', monitored: 'true' },
        annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'shop.example.com', 'example.com/keep': '1' },
      },
    },
  );

  test('has every port and behaviour, and nothing that reaches outside', () => {
    const copy = copyOf(STABLE, exposed).service;

    expect(spec(copy)).toEqual({
      type: 'ClusterIP',
      ipFamilyPolicy: 'SingleStack',
      ipFamilies: ['IPv4'],
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'ClientIP',
      trafficDistribution: 'PreferClose',
      selector: { app: 'checkout-canary' },
      ports: [
        { name: 'http', port: 80, targetPort: 'http', appProtocol: 'kubernetes.io/h2c' },
        { name: 'grpc', port: 90, targetPort: 9090 },
      ],
    });
  });

  test('carries both marks as annotations, and stable’s labels so that monitors find it', () => {
    const { metadata } = copyOf(STABLE, exposed).service;

    expect(metadata.labels).toEqual({
      app: 'checkout',
      monitored: 'true',
      'app.kubernetes.io/managed-by': 'canary-rollout',
    });
    expect(metadata.annotations).toEqual({
      'example.com/keep': '1',
      'example.com/run': 'https://example.invalid/1',
      [guard.holder.key]: 'token-1',
      [guard.wayBack.key]: 'r1',
    });
  });

  test('stays headless', () => {
    const headless = service('checkout', { app: 'checkout' }, { spec: { clusterIP: 'None', clusterIPs: ['None'] } });

    expect(spec(copyOf(STABLE, headless).service)).toMatchObject({ type: 'ClusterIP', clusterIP: 'None' });
  });

  test('selects by a changed label also where it shares none with the Deployment', () => {
    const stable = deployment({
      podSpec: POD_SPEC,
      labels: { app: 'checkout', tier: 'web' },
      selector: { matchLabels: { app: 'checkout' } },
    });

    const copy = copyOf(stable, service('checkout', { tier: 'web' }));

    expect(spec(copy.service)['selector']).toEqual({ app: 'checkout-canary', tier: 'web-canary' });
    expect(labelsOf(copy.canary)).toEqual({ app: 'checkout-canary', tier: 'web-canary' });
  });
});

describe('the sample pod', () => {
  test('is a Pod of the canary’s template with a name of its own', () => {
    const { target, seen, canary } = copyOf(STABLE);
    const { template } = spec(canary) as {
      template: { metadata: { labels: Strings; annotations: Strings }; spec: unknown };
    };

    const sample = deploymentWorkload.samplePod(seen, target);

    expect(sample).toMatchObject({
      verb: 'create',
      ref: { kind: 'Pod', namespace: 'shop', name: 'checkout-canary-sample' },
    });
    expect(sample.body).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...template.metadata, name: 'checkout-canary-sample', namespace: 'shop' },
      spec: template.spec,
    });
  });
});
