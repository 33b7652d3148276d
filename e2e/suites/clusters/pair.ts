import { isDeepStrictEqual } from 'node:util';
import { at, type KubeObject, numberAt } from '../../harness/json.ts';
import { collectionOf } from '../../harness/kinds.ts';
import { deployment, httpRoute, imageOf, service } from '../../harness/objects.ts';
import { type HazardCase, type HazardContext, type Outcome, type Release, refused, release } from './case.ts';

/** The one that the user keeps beside `checkout` by hand. */
const PAIR = 'checkout-b';
const primary = { app: 'checkout', track: 'primary' };
const canary = { app: 'checkout', track: 'canary' };

/** Both versions, a Service that selects by these labels, and the shop's route to it. */
const pairBehind = (namespace: string, selector: Readonly<Record<string, string>>): readonly KubeObject[] => {
  const other = deployment({ namespace, name: 'checkout', version: '1.0', replicas: 1, labels: canary });
  return [
    deployment({ namespace, name: 'checkout', version: '1.0', labels: primary }),
    { ...other, metadata: { ...other.metadata, name: PAIR } },
    service(namespace, 'checkout', selector),
    httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]),
  ];
};

/** Not of the user's writing: the controller counts rollouts there. */
const REVISION = 'deployment.kubernetes.io/revision';
const written = ({ metadata, spec }: KubeObject): unknown => {
  const { [REVISION]: _, ...annotations } = metadata.annotations ?? {};
  return { spec, annotations, labels: metadata.labels ?? {}, uid: metadata.uid };
};

/** Its spec, labels and annotations are what they were; after a promotion with the new image. */
const claimGivenBack = async (context: HazardContext, was: KubeObject | undefined, image: string): Promise<void> => {
  const { kube, claims, namespace } = context;
  const path = `${collectionOf('Deployment', namespace)}/${PAIR}`;
  if (was === undefined) return claims.claim('the pair was there', false, path);
  const wanted: unknown = JSON.parse(
    JSON.stringify(written(was)).replaceAll(imageOf('checkout', '1.0'), imageOf('checkout', image)),
  );
  const is = await kube.get(path);
  const isSame = isDeepStrictEqual(written(is), wanted);
  claims.claim(
    `the pair is what it was${image === '1.0' ? '' : ', but for its image'}, and was never deleted`,
    isSame,
    isSame ? `${numberAt(is, 'spec', 'replicas')} replicas, ${imageOf('checkout', image)}` : at(is, 'spec'),
  );
  await kube.until(`${path} ready`, async () => numberAt(await kube.get(path), 'status', 'readyReplicas') === 1);
};

const run = async (
  context: HazardContext,
  selector: Readonly<Record<string, string>>,
  wanted: Release,
): Promise<Outcome> => {
  const objects = pairBehind(context.namespace, selector);
  const inputs = { ...wanted.inputs, 'canary-deployment': PAIR };
  const { outcome, opened } = await release(context, {
    ...wanted,
    objects,
    inputs,
    except: [`Deployment/${PAIR}`],
  });
  const kept = wanted.expect === 'promoted' ? wanted.version : '1.0';
  await claimGivenBack(context, opened.before.get(`Deployment/${PAIR}`), kept);
  return outcome;
};

const GOOD = { version: '2.0', expect: 'promoted' } as const;
const BAD = { version: '2.0-bad', expect: 'rolled-back' } as const;
const BY_PODS = { route: 'replicas', weights: '25, 50' };
const DOES = 'sets its image, scales it, judges it, and gives it back';
const ONE_SERVICE = 'two Deployments kept side by side by hand, behind one Service';
const OWN_SERVICE = 'two Deployments kept side by side by hand; the route leads to the Service of one';

export const cases: readonly HazardCase[] = [
  {
    hazard: 'pair',
    name: 'pair-pods-good',
    what: ONE_SERVICE,
    run: (context) => run(context, { app: 'checkout' }, { ...GOOD, does: DOES, inputs: BY_PODS }),
  },
  {
    hazard: 'pair',
    name: 'pair-pods-bad',
    what: ONE_SERVICE,
    onlyFull: true,
    run: (context) => run(context, { app: 'checkout' }, { ...BAD, does: DOES, inputs: BY_PODS }),
  },
  {
    hazard: 'pair',
    name: 'pair-route-good',
    what: OWN_SERVICE,
    onlyFull: true,
    run: (context) => run(context, primary, { ...GOOD, does: DOES }),
  },
  {
    hazard: 'pair',
    name: 'pair-route-bad',
    what: OWN_SERVICE,
    onlyFull: true,
    run: (context) => run(context, primary, { ...BAD, does: DOES }),
  },
  {
    hazard: 'pair',
    name: 'pair-route-one-service',
    what: `${ONE_SERVICE}, with a route that splits requests`,
    onlyFull: true,
    run: (context) =>
      refused(context, {
        objects: pairBehind(context.namespace, { app: 'checkout' }),
        inputs: { 'canary-deployment': PAIR },
        reasonCode: 'ambiguous-service',
        text: ['so requests reach the canary past the route', 'route: replicas'],
      }),
  },
  {
    hazard: 'pair',
    name: 'pair-missing',
    what: 'a pair whose name is written wrong',
    onlyFull: true,
    run: (context) =>
      refused(context, {
        objects: pairBehind(context.namespace, primary),
        inputs: { 'canary-deployment': 'checkout-c' },
        reasonCode: 'deployment-not-found',
        text: `Did you mean "${PAIR}"?`,
      }),
  },
];
