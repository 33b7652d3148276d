import { setTimeout as sleep } from 'node:timers/promises';
import { type KubeObject, listAt, numberAt, textAt } from '../../harness/json.ts';
import { paths } from '../../harness/kube.ts';
import { httpRoute, service } from '../../harness/objects.ts';
import type { Shop } from '../../harness/shop.ts';
import { httpSender, lost, lostText, startTraffic, untilServed } from '../../harness/traffic.ts';
import type { Sender } from '../../stack/senders.ts';
import { type HazardCase, type HazardContext, type Outcome, type Release, refused, release } from './case.ts';
import { foreignObject, shopObjects } from './surroundings.ts';

/** A second route to the same Service, with a host of its own. */
const adminHost = (namespace: string): string => `admin.${namespace}.example`;

const adminRoute = (namespace: string): KubeObject => {
  const route = httpRoute(namespace, 'admin', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  return { ...route, spec: { ...(route.spec as object), hostnames: [adminHost(namespace)] } } as KubeObject;
};

const withAdmin = (namespace: string): readonly KubeObject[] => [...shopObjects(namespace), adminRoute(namespace)];

/** Every other request by each of both hosts. */
const bothHosts = ({ host, namespace }: Shop): Sender => {
  const senders = [httpSender(host), httpSender(adminHost(namespace))] as const;
  let turn = 0;
  return {
    send: () => senders[turn++ % 2 === 0 ? 0 : 1].send(),
    close: () => {
      for (const sender of senders) sender.close();
    },
  };
};

const outcomeOf = async (context: HazardContext, wanted: Release): Promise<Outcome> =>
  (await release(context, wanted)).outcome;

/** Users who come by the route that is not named lose nothing either, and are counted. */
const unnamed = (context: HazardContext): Promise<Outcome> =>
  outcomeOf(context, {
    objects: withAdmin(context.namespace),
    version: '2.0',
    expect: 'promoted',
    does: 'warns with the block to paste, measures what comes that way, says "all traffic of the route"',
    inputs: { route: 'httproute/checkout', interval: '6s' },
    text: [
      "HTTPRoute admin leads to stable's pods too",
      'requests/s reached stable past the route',
      'the new version serves all traffic of the route',
    ],
    meanwhile: async (_, action) => {
      const sender = httpSender(adminHost(context.namespace));
      await untilServed(sender);
      const others = startTraffic({ sender, rps: 100, seed: `${context.seed} admin` });
      await action.done;
      const report = await others.end();
      context.claims.claim('no request of the other route is lost', lost(report) === 0, lostText(report));
    },
  });

const ambiguous = (context: HazardContext): Promise<Outcome> =>
  refused(context, {
    objects: withAdmin(context.namespace),
    reasonCode: 'ambiguous-route',
    text: ['httproute/admin', 'httproute/checkout', 'route: |'],
  });

const BOTH = 'httproute/checkout\nhttproute/admin';

const named = (version: string, expect: Release['expect']) => (context: HazardContext) =>
  outcomeOf(context, {
    objects: withAdmin(context.namespace),
    version,
    expect,
    does: 'both forward in order, and back at once',
    inputs: { route: BOTH, weights: '20, 50' },
    sender: bothHosts,
  });

const beside = (namespace: string): readonly KubeObject[] => [
  { ...service(namespace, 'checkout-internal', { app: 'checkout' }) },
  foreignObject(
    'networking.k8s.io/v1',
    'Ingress',
    { name: 'checkout', namespace },
    {
      spec: { defaultBackend: { service: { name: 'checkout-internal', port: { number: 80 } } } },
    },
  ),
];

const otherWays = (context: HazardContext): Promise<Outcome> =>
  outcomeOf(context, {
    foreign: beside(context.namespace),
    version: '2.0',
    expect: 'promoted',
    does: 'warns; "all traffic" is not said',
    inputs: { service: 'checkout' },
    text: [
      "Service checkout-internal selects stable's pods beside Service checkout",
      "Ingress checkout leads to stable's pods past the route",
      'the new version serves all traffic of the route',
    ],
  });

// --- promote-at: last-step ------------------------------------------------------

interface Pods {
  /** Fewest ready pods of stable, most pods of both arms together, and most of the canary's. */
  leastStable: number;
  mostPods: number;
  mostCanary: number;
}

const isOf = (pod: KubeObject, owner: string): boolean => textAt(pod, 'metadata', 'name').startsWith(`${owner}-`);

const isReady = (pod: KubeObject): boolean =>
  listAt(pod, 'status', 'conditions').some(
    (condition) => textAt(condition, 'type') === 'Ready' && textAt(condition, 'status') === 'True',
  );

const count = async ({ kube, namespace }: HazardContext, most: Pods): Promise<void> => {
  const pods = (await kube.list(paths.pods(namespace))).filter(
    ({ metadata }) => !('deletionTimestamp' in metadata) && metadata.name.startsWith('checkout-'),
  );
  const canary = pods.filter((pod) => isOf(pod, 'checkout-canary'));
  const stable = pods.filter((pod) => !canary.includes(pod) && isReady(pod));
  most.leastStable = Math.min(most.leastStable, stable.length);
  most.mostPods = Math.max(most.mostPods, pods.length);
  most.mostCanary = Math.max(most.mostCanary, canary.length);
};

const REPLICAS = 4;

const inPlace = (version: string, expect: Release['expect']) => async (context: HazardContext) => {
  const { claims, kube, namespace } = context;
  const most: Pods = { leastStable: REPLICAS, mostPods: 0, mostCanary: 0 };
  const objects = shopObjects(namespace).map((object) =>
    object.kind === 'Deployment'
      ? ({ ...object, spec: { ...(object.spec as object), replicas: REPLICAS } } as KubeObject)
      : object,
  );
  let unavailable = 0;
  const { outcome, run } = await release(context, {
    objects,
    version,
    expect,
    does: 'updates stable in place at the last weight, without a second full set of pods',
    inputs: { 'promote-at': 'last-step', weights: '25, 50' },
    meanwhile: async (_, action) => {
      const stable = await kube.get(`${paths.deployments(namespace)}/checkout`);
      // 25 % of four, the default: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-unavailable
      unavailable = Math.floor(numberAt(stable, 'spec', 'replicas') / 4);
      let isOver = false;
      void action.done.finally(() => {
        isOver = true;
      });
      while (!isOver) {
        await count(context, most);
        await sleep(100);
      }
    },
  });
  const least = REPLICAS - unavailable;
  claims.claim(`stable has at least ${least} ready pods throughout`, most.leastStable >= least, most);
  claims.claim('the canary has no more pods than its last weight needs', most.mostCanary <= REPLICAS / 2, most);
  const peak = `at most ${most.mostPods} pods, stable never below ${most.leastStable} of ${REPLICAS}`;
  claims.note('peak pods', peak);
  claims.claim('it is told', expect === 'rolled-back' || run.log.includes('in place, with 50 % on the canary'), peak);
  return { ...outcome, outcome: `${outcome.outcome}; ${peak}` };
};

export const cases: readonly HazardCase[] = [
  {
    hazard: 'other-paths',
    name: 'route-not-named',
    what: 'a second HTTPRoute to the Service, not named, with 100 requests/s',
    run: unnamed,
  },
  {
    hazard: 'other-paths',
    name: 'routes-none-named',
    what: 'two HTTPRoutes to the Service, none named',
    run: ambiguous,
  },
  {
    hazard: 'other-paths',
    name: 'routes-named-good',
    what: 'two HTTPRoutes to the Service, both named, users on both',
    run: named('2.0', 'promoted'),
  },
  {
    hazard: 'other-paths',
    name: 'routes-named-bad',
    what: 'the same with a bad version',
    onlyFull: true,
    run: named('2.0-bad50', 'rolled-back'),
  },
  {
    hazard: 'other-paths',
    name: 'service-and-ingress',
    what: "a second Service of stable's pods, and an Ingress to it",
    onlyFull: true,
    run: otherWays,
  },
  {
    hazard: 'capacity',
    name: 'last-step-good',
    what: 'no room for a second full set of pods: `promote-at: last-step`',
    run: inPlace('2.0', 'promoted'),
  },
  {
    hazard: 'capacity',
    name: 'last-step-bad',
    what: 'the same with a bad version',
    onlyFull: true,
    run: inPlace('2.0-bad50', 'rolled-back'),
  },
];
