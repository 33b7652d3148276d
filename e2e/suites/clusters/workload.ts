import { startInjector } from '../../harness/injector.ts';
import { at, type Json, type KubeObject } from '../../harness/json.ts';
import { deployment, httpRoute, imageOf, service } from '../../harness/objects.ts';
import { allowed, type HazardCase, type HazardContext, type Outcome, refused, released } from './case.ts';
import { foreignObject } from './surroundings.ts';

type Fields = Readonly<Record<string, unknown>>;

interface Shape {
  readonly replicas?: number;
  readonly version?: string;
  /** Beside replicas, selector and template. */
  readonly spec?: Fields;
  readonly podSpec?: Fields;
  readonly container?: Fields;
}

/** `checkout` as the suite has it, changed in what a case is about. */
const checkout = (namespace: string, { replicas = 3, version = '1.0', ...change }: Shape): KubeObject => {
  const { spec, ...rest } = deployment({ namespace, name: 'checkout', version, replicas });
  const podSpec = at(spec, 'template', 'spec') as Fields;
  const [container] = podSpec['containers'] as readonly Fields[];
  const containers = [{ ...container, ...change.container }];
  const template = { ...(at(spec, 'template') as Fields), spec: { ...podSpec, ...change.podSpec, containers } };
  return { ...rest, spec: { ...(spec as Fields), ...change.spec, template } as unknown as Json };
};

const behind = (namespace: string): readonly KubeObject[] => [
  service(namespace, 'checkout'),
  httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]),
];

const shop = (namespace: string, shape: Shape): readonly KubeObject[] => [
  checkout(namespace, shape),
  ...behind(namespace),
];

const RECREATE: Shape = { spec: { strategy: { type: 'Recreate' } } };
const ALL_AT_ONCE: Shape = {
  spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%', maxSurge: 0 } } },
};

const unsafe =
  (shape: Shape, text: string, allow?: string) =>
  (context: HazardContext): Promise<Outcome> =>
    refused(context, {
      objects: shop(context.namespace, shape),
      reasonCode: 'unsafe-strategy',
      text,
      ...(allow === undefined ? {} : { allow }),
    });

/** Allowed, with users: stable is taken down while the canary serves them all. */
const aside =
  (shape: Shape, allow: string) =>
  (context: HazardContext): Promise<Outcome> =>
    allowed(context, allow, {
      objects: shop(context.namespace, shape),
      version: '2.0',
      expect: 'promoted',
      does: 'updates stable while the canary has all traffic',
      text: `(allowed by \`allow: ${allow}\`)`,
    });

const inPlace = (context: HazardContext): Promise<Outcome> =>
  refused(context, {
    objects: shop(context.namespace, RECREATE),
    reasonCode: 'unsafe-strategy',
    text: 'has the strategy Recreate',
    inputs: { 'promote-at': 'last-step', allow: 'Recreate' },
  });

const minReady =
  (version: string, expect: 'promoted' | 'rolled-back') =>
  (context: HazardContext): Promise<Outcome> =>
    released(context, {
      objects: shop(context.namespace, { spec: { minReadySeconds: 4 } }),
      version,
      expect,
      does: 'counts pods once they are available',
      inputs: expect === 'promoted' ? {} : { interval: '20s' },
    });

const minReadyTooLong = (context: HazardContext): Promise<Outcome> =>
  refused(context, {
    objects: shop(context.namespace, { spec: { minReadySeconds: 5 } }),
    reasonCode: 'unsafe-strategy',
    text: 'minReadySeconds is 5 s, and `ready-timeout` is 5 s',
    inputs: { 'ready-timeout': '5s' },
  });

const volume = (namespace: string, mode: string): readonly KubeObject[] => {
  const resources = { storage: '1Gi' };
  const spec = { accessModes: [mode], storageClassName: '' };
  return [
    foreignObject(
      'v1',
      'PersistentVolume',
      { name: namespace },
      {
        spec: {
          ...spec,
          capacity: resources,
          claimRef: { namespace, name: 'data' },
          csi: { driver: 'csi.example.com', volumeHandle: namespace },
        },
      },
    ),
    foreignObject(
      'v1',
      'PersistentVolumeClaim',
      { name: 'data', namespace },
      { spec: { ...spec, volumeName: namespace, resources: { requests: resources } } },
    ),
  ];
};

const mounting =
  (mode: string, allow?: string) =>
  (context: HazardContext): Promise<Outcome> =>
    refused(context, {
      foreign: volume(context.namespace, mode),
      objects: shop(context.namespace, {
        replicas: 1,
        podSpec: { volumes: [{ name: 'cache', persistentVolumeClaim: { claimName: 'data' } }] },
      }),
      reasonCode: 'unsafe-strategy',
      text: `PersistentVolumeClaim ${context.namespace}/data is ${mode}`,
      ...(allow === undefined ? {} : { allow }),
    });

const HOST_PORT: Shape = {
  replicas: 2,
  container: { ports: [{ name: 'http', containerPort: 8080, hostPort: 18_080 }] },
};

const statefulSet = (context: HazardContext): Promise<Outcome> => {
  const { namespace } = context;
  const { spec, metadata } = checkout(namespace, { replicas: 1 });
  const named = { ...(spec as Fields), serviceName: 'checkout' };
  return refused(context, {
    objects: [foreignObject('apps/v1', 'StatefulSet', metadata, { spec: named }), ...behind(namespace)],
    reasonCode: 'deployment-not-found',
    text: 'checkout is a StatefulSet; only Deployments can be rolled out',
    does: 'refuses, and says what it is',
  });
};

const quota = (context: HazardContext): Promise<Outcome> => {
  const { namespace } = context;
  const hard = { pods: '6', 'requests.cpu': '500m' };
  return refused(context, {
    foreign: [foreignObject('v1', 'ResourceQuota', { name: 'team', namespace }, { spec: { hard } })],
    objects: shop(namespace, {
      podSpec: { initContainers: [] },
      container: { resources: { requests: { cpu: '50m' } } },
    }),
    reasonCode: 'policy-mismatch',
    text: 'pods: 4 pods more, 3 pods of 6 pods left',
    allow: 'ResourceQuota/team',
  });
};

/** Pods that the level `restricted` admits: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
const RESTRICTED: Shape = {
  podSpec: {
    initContainers: [],
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  },
  container: { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
};

const FILE = 'checkout.yaml';

/** A new version that asks for what admission does not give its pods. */
const admission =
  (text: string, before: Shape, after: Shape, rest: Partial<Parameters<typeof refused>[1]> = {}) =>
  (context: HazardContext): Promise<Outcome> =>
    refused(context, {
      objects: shop(context.namespace, before),
      files: { [FILE]: JSON.stringify(checkout(context.namespace, { ...after, version: '2.0' })) },
      inputs: { image: '', manifest: FILE },
      reasonCode: 'refused-by-cluster',
      text,
      does: 'sends a pod as a dry run, and says why it is refused',
      ...rest,
    });

const limitRange = (context: HazardContext): Promise<Outcome> => {
  const { namespace } = context;
  const spec = { limits: [{ type: 'Container', max: { cpu: '1' } }] };
  const asking = (cpu: string): Shape => ({
    podSpec: { initContainers: [] },
    container: { resources: { limits: { cpu } } },
  });
  return admission('maximum cpu usage per Container is 1, but limit is 2', asking('1'), asking('2'), {
    foreign: [foreignObject('v1', 'LimitRange', { name: 'small', namespace }, { spec })],
  })(context);
};

const PROXY = { name: 'mesh-proxy', image: imageOf('mesh-proxy', '1') };
const INJECTED = [{ op: 'add', path: '/spec/containers/-', value: PROXY }];

/** With a mesh's injector, for all pods of the namespace, or for those of some labels. */
const injected =
  (labels: Readonly<Record<string, string>>, does: string, text: readonly string[]) =>
  async (context: HazardContext): Promise<Outcome> => {
    const stop = await startInjector(context, { namespace: context.namespace, labels, patch: INJECTED });
    try {
      return await released(context, { version: '2.0', expect: 'promoted', does, text });
    } finally {
      await stop();
    }
  };

export const cases: readonly HazardCase[] = [
  {
    hazard: 'strategy',
    name: 'recreate',
    what: 'stable with the strategy Recreate',
    run: unsafe(RECREATE, 'has the strategy Recreate', 'Recreate'),
  },
  {
    hazard: 'strategy',
    name: 'recreate-allowed',
    what: 'stable with the strategy Recreate',
    onlyFull: true,
    run: aside(RECREATE, 'Recreate'),
  },
  {
    hazard: 'strategy',
    name: 'recreate-in-place',
    what: 'stable with the strategy Recreate, and `promote-at: last-step`',
    onlyFull: true,
    run: inPlace,
  },
  {
    hazard: 'strategy',
    name: 'max-unavailable',
    what: 'maxUnavailable: 100%',
    onlyFull: true,
    run: unsafe(ALL_AT_ONCE, 'allows all 3 pods to be unavailable during an update', 'maxUnavailable'),
  },
  {
    hazard: 'strategy',
    name: 'max-unavailable-allowed',
    what: 'maxUnavailable: 100%',
    onlyFull: true,
    run: aside(ALL_AT_ONCE, 'maxUnavailable'),
  },
  {
    hazard: 'strategy',
    name: 'min-ready-good',
    what: 'minReadySeconds: 4',
    onlyFull: true,
    run: minReady('2.0', 'promoted'),
  },
  {
    hazard: 'strategy',
    name: 'min-ready-bad',
    what: 'minReadySeconds: 4, and a bad version',
    onlyFull: true,
    run: minReady('2.0-bad50', 'rolled-back'),
  },
  {
    hazard: 'strategy',
    name: 'min-ready-too-long',
    what: 'minReadySeconds as long as `ready-timeout`',
    onlyFull: true,
    run: minReadyTooLong,
  },
  {
    hazard: 'strategy',
    name: 'stateful-set',
    what: 'a StatefulSet of the name, and no Deployment',
    run: statefulSet,
  },
  {
    hazard: 'volumes',
    name: 'volume-rwo',
    what: 'stable mounts a ReadWriteOnce claim',
    run: mounting('ReadWriteOnce', 'PersistentVolumeClaim/data'),
  },
  {
    hazard: 'volumes',
    name: 'volume-rwop',
    what: 'stable mounts a ReadWriteOncePod claim',
    onlyFull: true,
    run: mounting('ReadWriteOncePod'),
  },
  {
    hazard: 'host-ports',
    name: 'host-port',
    what: 'two pods with a hostPort, on two nodes',
    run: unsafe(HOST_PORT, 'the plan needs 5, and 2 can take it', 'hostPort'),
  },
  { hazard: 'capacity', name: 'quota', what: 'a ResourceQuota with room for three more pods', run: quota },
  {
    hazard: 'capacity',
    name: 'limit-range',
    what: "a LimitRange that the new version's limits exceed",
    onlyFull: true,
    run: limitRange,
  },
  {
    hazard: 'capacity',
    name: 'pod-security',
    what: 'a namespace that enforces `restricted`, and a new version that may escalate privileges',
    onlyFull: true,
    run: admission(
      'violates PodSecurity "restricted:latest"',
      RESTRICTED,
      { ...RESTRICTED, container: {} },
      { namespaceLabels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    ),
  },
  {
    hazard: 'capacity',
    name: 'priority-class',
    what: 'a new version with a PriorityClass that does not exist',
    onlyFull: true,
    run: admission('no PriorityClass with name gold was found', {}, { podSpec: { priorityClassName: 'gold' } }),
  },
  {
    hazard: 'sidecars',
    name: 'sidecar',
    what: 'a mutating webhook that injects a sidecar into every pod',
    run: injected({}, 'releases, and leaves the sidecar out of the comparison', []),
  },
  {
    hazard: 'sidecars',
    name: 'sidecar-of-stable',
    what: "a mutating webhook that chooses pods by a label of stable's",
    onlyFull: true,
    run: injected({ app: 'checkout' }, 'warns that the canary is without it', [
      "stable's pods have mesh-proxy injected, and the canary's would not",
    ]),
  },
];
