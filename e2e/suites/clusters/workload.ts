import type { KubeObject } from '../../harness/json.ts';
import { allowed, type HazardCase, type HazardContext, type Outcome, refused, released } from './case.ts';
import { cases as room } from './room.ts';
import { behind, checkout, type Fields, type Shape, shop } from './stable-shape.ts';
import { foreignObject } from './surroundings.ts';

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
  ...room,
];
