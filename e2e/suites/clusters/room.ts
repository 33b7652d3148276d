import { startInjector } from '../../harness/injector.ts';
import { imageOf } from '../../harness/objects.ts';
import { type HazardCase, type HazardContext, type Outcome, refused, released } from './case.ts';
import { checkout, type Shape, shop } from './stable-shape.ts';
import { foreignObject } from './surroundings.ts';

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

/** What the cluster has room for, and what it makes of pods. */
export const cases: readonly HazardCase[] = [
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
