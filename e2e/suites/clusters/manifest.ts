import { isDeepStrictEqual } from 'node:util';
import { startAction } from '../../harness/action.ts';
import { auditOf, writesOf } from '../../harness/audit.ts';
import { claimStatus } from '../../harness/case.ts';
import { at, type KubeObject, textAt } from '../../harness/json.ts';
import { collectionOf } from '../../harness/kinds.ts';
import { deployment, httpRoute, imageOf, service } from '../../harness/objects.ts';
import { openShop, releaseInputs } from '../../harness/shop.ts';
import { type HazardCase, type HazardContext, type Outcome, refused, release, released } from './case.ts';

const FILE = 'checkout.yaml';
const CONFIG = 'checkout-config-7g2k';

const configMap = (namespace: string, name = CONFIG, level = 'info'): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: { LEVEL: level } }) as KubeObject;

/** As people write it, with what the API server fills in left out, and more in it than another image. */
const written = (namespace: string, version: string): object => {
  const { spec, ...rest } = deployment({ namespace, name: 'checkout', version });
  const podSpec = at(spec, 'template', 'spec') as Readonly<Record<string, unknown>>;
  const [container] = podSpec['containers'] as readonly Readonly<Record<string, unknown>>[];
  const env = [
    { name: 'REGION', value: 'eu' },
    { name: 'LEVEL', valueFrom: { configMapKeyRef: { name: CONFIG, key: 'LEVEL' } } },
  ];
  const resources = { requests: { cpu: '10m', memory: '16Mi' } };
  const template = {
    metadata: at(spec, 'template', 'metadata'),
    spec: { ...podSpec, containers: [{ ...container, env, resources }] },
  };
  return { ...rest, spec: { ...(spec as object), template } };
};

const yamlOf = (...documents: readonly object[]): string =>
  documents.map((document) => JSON.stringify(document, null, 2)).join('\n---\n');

const filesOf = (namespace: string, version: string): Readonly<Record<string, string>> => ({
  [FILE]: yamlOf(configMap(namespace), service(namespace, 'checkout'), written(namespace, version)),
});

const good = async (context: HazardContext): Promise<Outcome> => {
  const { outcome, opened } = await release(context, {
    version: '2.0',
    expect: 'promoted',
    does: 'releases the whole pod template',
    foreign: [configMap(context.namespace)],
    files: filesOf(context.namespace, '2.0'),
    inputs: { image: '', manifest: FILE },
    onlyImage: false,
  });
  const { namespace } = opened.shop;
  const [stable] = await context.kube.list(collectionOf('Deployment', namespace));
  const container = at(stable, 'spec', 'template', 'spec', 'containers', 0);
  const wanted = at(written(namespace, '2.0'), 'spec', 'template', 'spec', 'containers', 0);
  const members = ['image', 'env', 'resources'] as const;
  const same = members.filter((member) => isDeepStrictEqual(at(container, member), at(wanted, member)));
  context.claims.claim('stable has what the file says of its container', same.length === members.length, same);
  return outcome;
};

/** With `image` beside the file, which has a placeholder in its place. */
const bad = (context: HazardContext): Promise<Outcome> =>
  released(context, {
    version: '2.0-bad50',
    expect: 'rolled-back',
    does: 'releases the whole pod template, with `image` put in',
    foreign: [configMap(context.namespace)],
    files: filesOf(context.namespace, 'IMAGE_TAG'),
    inputs: { manifest: FILE, interval: '20s' },
  });

const missing = (context: HazardContext): Promise<Outcome> =>
  refused(context, {
    reasonCode: 'invalid-config',
    text: [`ConfigMap ${context.namespace}/${CONFIG} does not exist`, 'did you mean checkout-config-9x4m?'],
    foreign: [configMap(context.namespace, 'checkout-config-9x4m')],
    files: { [FILE]: yamlOf(written(context.namespace, '2.0')) },
    inputs: { image: '', manifest: FILE },
  });

const selector = (context: HazardContext): Promise<Outcome> => {
  const { namespace } = context;
  const labels = { app: 'checkout', tier: 'web' };
  return refused(context, {
    reasonCode: 'invalid-config',
    text: 'it can never be changed',
    files: { [FILE]: yamlOf(deployment({ namespace, name: 'checkout', version: '2.0', labels })) },
    inputs: { image: '', manifest: FILE },
  });
};

/** A Deployment that is not there yet. */
const first =
  (version: string, status: 'promoted' | 'rolled-back') =>
  async (context: HazardContext): Promise<Outcome> => {
    const { claims, kube, namespace, github, stack } = context;
    const objects = [
      configMap(namespace),
      service(namespace, 'checkout'),
      httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]),
    ];
    const shop = await openShop(context, namespace, objects);
    const inputs = { ...releaseInputs(shop, '', 'checkout'), manifest: FILE, 'ready-timeout': '20s' };
    const done = await startAction(inputs, github.url, {}, {}, filesOf(namespace, version)).done;
    const isGood = status === 'promoted';
    claimStatus(context, done, status, isGood ? 'completed' : 'canary-not-ready', isGood ? 0 : 1);
    const reason = done.outputs['reason'] ?? '';
    const said = isGood ? 'nothing to compare it with' : 'was removed again';
    claims.claim(`it says ${JSON.stringify(said)}`, reason.includes(said), reason);
    const listed = await kube.list(collectionOf('Deployment', namespace));
    const found = listed.map(({ metadata }) => metadata.name);
    claims.claim(
      'the Deployment is there if it is ready, and only then',
      found.join() === (isGood ? 'checkout' : ''),
      found,
    );
    const marks = listed.flatMap(({ metadata }) => Object.keys({ ...metadata.labels, ...metadata.annotations }));
    claims.claim('it carries no mark of ours', !marks.some((mark) => mark.includes('canary-rollout')), marks);
    if (isGood) {
      const image = textAt(listed[0], 'spec', 'template', 'spec', 'containers', 0, 'image');
      claims.claim('it runs the image of the file', image === imageOf('checkout', version), image);
    }
    const writes = writesOf(auditOf(stack.auditLog, shop.user)).map(({ verb, uri }) => `${verb} ${uri}`);
    claims.note('what was written', writes);
    const outcome = isGood ? 'promoted, nothing to compare with' : 'rolled back, removed again';
    return { does: 'creates it from the manifest', outcome, override: '' };
  };

export const cases: readonly HazardCase[] = [
  {
    hazard: 'manifest',
    name: 'manifest-good',
    what: 'a manifest with environment from a ConfigMap, and a Service and that ConfigMap beside it',
    run: good,
  },
  {
    hazard: 'manifest',
    name: 'manifest-bad',
    what: 'the same, with a version that fails half of its requests',
    onlyFull: true,
    run: bad,
  },
  {
    hazard: 'manifest',
    name: 'manifest-no-config',
    what: 'a manifest that names a ConfigMap that is not there',
    run: missing,
  },
  {
    hazard: 'manifest',
    name: 'manifest-selector',
    what: 'a manifest with another selector than stable has',
    onlyFull: true,
    run: selector,
  },
  {
    hazard: 'manifest',
    name: 'manifest-first',
    what: 'no Deployment yet, and a manifest of it',
    run: first('2.0', 'promoted'),
  },
  {
    hazard: 'manifest',
    name: 'manifest-first-crash',
    what: 'no Deployment yet, and a manifest of it whose pods never become ready',
    onlyFull: true,
    run: first('2.0-crash', 'rolled-back'),
  },
];
