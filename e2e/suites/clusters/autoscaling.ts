import type { RunningAction } from '../../harness/action.ts';
import type { Case } from '../../harness/case.ts';
import { type KubeObject, listAt, numberAt, textAt } from '../../harness/json.ts';
import { collectionOf } from '../../harness/kinds.ts';
import { paths } from '../../harness/kube.ts';
import { deployment, httpRoute, service } from '../../harness/objects.ts';
import {
  type HazardCase,
  type HazardContext,
  type Outcome,
  type Release,
  refused,
  release,
  released,
  type Setting,
} from './case.ts';
import { foreignObject } from './surroundings.ts';

const START = 3;
const RAISED = 5;
const PAUSED = 'autoscaling.keda.sh/paused';
const PAUSED_REPLICAS = 'autoscaling.keda.sh/paused-replicas';

const autoscaler = (namespace: string, spec: object = {}, name = 'checkout'): KubeObject =>
  foreignObject(
    'autoscaling/v2',
    'HorizontalPodAutoscaler',
    { name, namespace, annotations: { team: 'shop' } },
    {
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
        minReplicas: 1,
        maxReplicas: 8,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
        ...spec,
      },
    },
  );

const scaledObject = (namespace: string, annotations: Record<string, string>): KubeObject =>
  foreignObject(
    'keda.sh/v1alpha1',
    'ScaledObject',
    { name: 'checkout', namespace, annotations },
    {
      spec: { scaleTargetRef: { name: 'checkout' }, minReplicaCount: 1, triggers: [] },
    },
  );

/** What its objects were while the rollout ran, from watches. */
interface Followed {
  readonly sizes: number[];
  readonly ready: number[];
  readonly minimums: number[];
  readonly maximums: number[];
  readonly copies: number[];
}

const nothing = (): Followed => ({ sizes: [], ready: [], minimums: [], maximums: [], copies: [] });

const follow = async ({ kube, namespace }: HazardContext, seen: Followed, action: RunningAction): Promise<void> => {
  const autoscalers = collectionOf('HorizontalPodAutoscaler', namespace);
  const stops = await Promise.all([
    kube.watch(paths.deployments(namespace), 'checkout', (object) => {
      seen.sizes.push(numberAt(object, 'spec', 'replicas'));
      seen.ready.push(numberAt(object, 'status', 'readyReplicas'));
    }),
    kube.watch(autoscalers, 'checkout', (object) => {
      seen.minimums.push(numberAt(object, 'spec', 'minReplicas'));
      seen.maximums.push(numberAt(object, 'spec', 'maxReplicas'));
    }),
    kube.watch(autoscalers, 'checkout-canary', (object, type) => {
      if (type !== 'DELETED') seen.copies.push(numberAt(object, 'spec', 'minReplicas'));
    }),
  ]);
  await action.done;
  for (const stop of stops) stop();
};

/** The load that the stack has no metrics for: somebody who scales stable up once half of the traffic is on the canary. */
const raise = async ({ kube, namespace }: HazardContext): Promise<void> => {
  await kube.until('half of the traffic on the canary', async () => {
    const route = await kube.get(`${paths.httpRoutes(namespace)}/checkout`);
    const [rule] = listAt(route, 'spec', 'rules');
    return numberAt(listAt(rule, 'backendRefs')[1], 'weight') === 50;
  });
  await kube.merge(`${paths.deployments(namespace)}/checkout`, { spec: { replicas: RAISED } });
};

const claimHeld = ({ claims }: HazardContext, { minimums, sizes, ready }: Followed): void => {
  const distinct = [...new Set(minimums)];
  claims.claim(
    'the minimum is held at the number of pods at the start',
    distinct.includes(START),
    `minReplicas was ${distinct.join(', ')}`,
  );
  const least = Math.min(...sizes, ...ready);
  claims.claim('stable is never below its start', least >= START, `at least ${least} pods`);
};

const WHAT =
  'an HPA on stable (min 1, max 8). The stack serves no metrics, so its controller keeps to the bounds alone';

const good = async (context: HazardContext): Promise<Outcome> => {
  const seen = nothing();
  const { outcome } = await release(context, {
    foreign: [autoscaler(context.namespace)],
    version: '2.0',
    expect: 'promoted',
    does: 'holds its minimum, gives the canary a copy, puts the old value back',
    // Its number of pods is what the case changed.
    onlyImage: false,
    inputs: { interval: '10s' },
    meanwhile: async (_opened, action) => {
      await Promise.all([follow(context, seen, action), raise(context)]);
    },
  });
  claimHeld(context, seen);
  const copies = [...new Set(seen.copies)];
  context.claims.claim(
    "the canary's own minimum follows the step, stable that grows, and the promotion",
    copies.join() === '1,2,3,5',
    `minReplicas was ${copies.join(', ')}`,
  );
  const stable = await context.kube.get(`${paths.deployments(context.namespace)}/checkout`);
  const [container] = listAt(stable, 'spec', 'template', 'spec', 'containers');
  const is = `${textAt(container, 'image')} with ${numberAt(stable, 'spec', 'replicas')} pods`;
  context.claims.claim(
    'stable has the new image and the pods it was given',
    is.endsWith(`:2.0 with ${RAISED} pods`),
    is,
  );
  return outcome;
};

const bad = async (context: HazardContext): Promise<Outcome> => {
  const seen = nothing();
  const { outcome } = await release(context, {
    foreign: [autoscaler(context.namespace)],
    version: '2.0-bad',
    expect: 'rolled-back',
    does: 'holds its minimum, and puts the old value back',
    inputs: { interval: '60s' },
    meanwhile: (_opened, action) => follow(context, seen, action),
  });
  claimHeld(context, seen);
  return outcome;
};

const byPods = async (context: HazardContext): Promise<Outcome> => {
  const { namespace } = context;
  const seen = nothing();
  const { outcome } = await release(context, {
    foreign: [autoscaler(namespace)],
    objects: [
      deployment({ namespace, name: 'checkout', version: '1.0', labels: { app: 'checkout', track: 'stable' } }),
      service(namespace, 'checkout'),
      httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]),
    ],
    version: '2.0',
    expect: 'promoted',
    does: 'holds its minimum and maximum',
    text: 'does not scale until the end',
    inputs: { route: 'replicas', weights: '25' },
    meanwhile: (_opened, action) => follow(context, seen, action),
  });
  claimHeld(context, seen);
  const held = seen.maximums.includes(START);
  context.claims.claim('the maximum is held too', held, `maxReplicas was ${[...new Set(seen.maximums)].join(', ')}`);
  return outcome;
};

const keda =
  (version: string, expect: Release['expect']) =>
  async (context: HazardContext): Promise<Outcome> => {
    const { kube, namespace, claims } = context;
    const seen: string[] = [];
    const watch = async (_opened: Case, action: RunningAction): Promise<void> => {
      const stop = await kube.watch(collectionOf('ScaledObject', namespace), 'checkout', ({ metadata }) => {
        seen.push(metadata.annotations?.[PAUSED] ?? 'absent');
      });
      await action.done;
      stop();
    };
    const { outcome } = await release(context, {
      foreign: [scaledObject(namespace, { team: 'shop' })],
      version,
      expect,
      does: 'pauses KEDA by its annotation while the rollout runs',
      text: 'does not scale until the end',
      ...(expect === 'rolled-back' ? { inputs: { interval: '60s' } } : {}),
      meanwhile: watch,
    });
    const turns = seen.filter((value, index) => value !== seen[index - 1]).join(', ');
    claims.claim('KEDA is paused for the time of the rollout', /^(absent, )?true, absent$/.test(turns), turns);
    return outcome;
  };

const verticalAutoscaler = (context: HazardContext): Promise<Outcome> =>
  released(context, {
    foreign: [
      foreignObject(
        'autoscaling.k8s.io/v1',
        'VerticalPodAutoscaler',
        { name: 'checkout', namespace: context.namespace },
        {
          spec: {
            targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout' },
            updatePolicy: { updateMode: 'Recreate' },
          },
        },
      ),
    ],
    version: '2.0',
    expect: 'promoted',
    does: 'warns that it may restart pods, and sizes stable only',
    text: 'updateMode Recreate',
  });

const refusal =
  (foreign: (namespace: string) => NonNullable<Setting['foreign']>, text: string) =>
  (context: HazardContext): Promise<Outcome> =>
    refused(context, { foreign: foreign(context.namespace), reasonCode: 'autoscaler', text });

export const cases: readonly HazardCase[] = [
  { hazard: 'autoscaling', name: 'hpa-good', what: `${WHAT}; load is played by scaling stable from 3 to 5`, run: good },
  { hazard: 'autoscaling', name: 'hpa-bad', what: WHAT, onlyFull: true, run: bad },
  { hazard: 'autoscaling', name: 'hpa-replicas', what: `${WHAT}, with route: replicas`, onlyFull: true, run: byPods },
  {
    hazard: 'autoscaling',
    name: 'hpa-two',
    what: 'two HPAs on stable',
    onlyFull: true,
    run: refusal(
      (namespace) => [autoscaler(namespace), autoscaler(namespace, {}, 'second')],
      'Several autoscalers scale Deployment',
    ),
  },
  {
    hazard: 'autoscaling',
    name: 'hpa-on-canary',
    what: "an HPA on a Deployment of the canary's name",
    onlyFull: true,
    run: refusal(
      (namespace) => [
        autoscaler(
          namespace,
          { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout-canary' } },
          'theirs',
        ),
      ],
      'which the rollout sizes',
    ),
  },
  {
    hazard: 'autoscaling',
    name: 'scaled-object-good',
    what: 'a KEDA ScaledObject on stable (a minimal definition of ours; no KEDA runs)',
    onlyFull: true,
    run: keda('2.0', 'promoted'),
  },
  {
    hazard: 'autoscaling',
    name: 'scaled-object-bad',
    what: 'a KEDA ScaledObject on stable (a minimal definition of ours; no KEDA runs)',
    onlyFull: true,
    run: keda('2.0-bad', 'rolled-back'),
  },
  {
    hazard: 'autoscaling',
    name: 'scaled-object-elsewhere',
    what: 'a KEDA ScaledObject that is paused at 1 pod, where stable has 3',
    onlyFull: true,
    run: refusal((namespace) => [scaledObject(namespace, { [PAUSED_REPLICAS]: '1' })], 'KEDA is about to change them'),
  },
  {
    hazard: 'vertical-autoscaler',
    name: 'vpa',
    what: 'a VerticalPodAutoscaler on stable that restarts pods (a minimal definition of ours)',
    run: verticalAutoscaler,
  },
];
