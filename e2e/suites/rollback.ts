import { isDeepStrictEqual } from 'node:util';
import { claimNoneLost, claimRestored, claimStatus, openCase, runAction } from '../harness/case.ts';
import { type KubeObject, listAt, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, openShop, releaseInputs, untilMeasured } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const OLD = imageOf('checkout', '1.0');
const NEW = imageOf('checkout', '2.0');

const revisionOf = (object: KubeObject): string =>
  textAt(object, 'metadata', 'annotations', 'deployment.kubernetes.io/revision');

const stableSets = async ({ kube }: Context, namespace: string): Promise<readonly string[]> => {
  const sets = await kube.list(paths.replicaSets(namespace));
  return sets
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ name }) => name === 'checkout'))
    .map((set) => `${revisionOf(set)} ${textAt(listAt(set, 'spec', 'template', 'spec', 'containers')[0], 'image')}`)
    .sort();
};

/** A release, and back again by the next job. */
const thereAndBack = async (context: Context): Promise<void> => {
  const { claims, kube } = context;
  const namespace = 'rollback';
  const route = httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  const objects = [deployment({ namespace, name: 'checkout', version: '1.0' }), service(namespace, 'checkout'), route];
  const opened = await openCase(context, { namespace, objects, rps: 100 });
  const inputs = { ...releaseInputs(opened.shop, NEW, 'checkout'), weights: '20' };
  const there = await runAction(context, inputs);
  await untilMeasured(opened.shop);
  const back = await runAction(context, { ...inputs, command: 'rollback', image: '', weights: '10, 50' });
  const report = await opened.traffic.end();

  claimStatus(context, there, 'promoted', 'completed', 0);
  claimStatus(context, back, 'promoted', 'completed', 0);
  const steps = listAt(back.result, 'steps').map((step) => textAt(step, 'verdict'));
  claims.claim('the way back is judged step by step', steps.join() === 'passed,passed', steps);
  claimNoneLost(context, report);
  const is = await kube.get(`${paths.deployments(namespace)}/checkout`);
  const isBack = isDeepStrictEqual(is.spec, opened.before.get('Deployment/checkout')?.spec);
  claims.claim('stable is what it was before the release', isBack, isBack ? 'deep-equal spec' : is.spec);
  const sets = await stableSets(context, namespace);
  const isReused = isDeepStrictEqual(sets, [`2 ${NEW}`, `3 ${OLD}`]);
  claims.claim('its controller takes the old ReplicaSet again: the template is the same', isReused, sets);
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Service/checkout']);
};

/** Whoever keeps no history has nothing to go back to. */
const forgotten = async (context: Context): Promise<void> => {
  const { claims, kube } = context;
  const namespace = 'forgotten';
  const app = deployment({ namespace, name: 'checkout', version: '1.0' });
  const route = httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  const stable = { ...app, spec: { ...(app.spec as object), revisionHistoryLimit: 0 } };
  const shop = await openShop(context, namespace, [stable, service(namespace, 'checkout'), route]);
  const path = `${paths.deployments(namespace)}/checkout`;
  await kube.merge(path, { spec: { template: { metadata: { annotations: { 'example.com/again': 'yes' } } } } });
  await kube.until('the old ReplicaSet to go', async () => {
    const sets = await stableSets(context, namespace);
    return sets.length === 1 && sets[0]?.startsWith('2 ') === true;
  });
  const run = await runAction(context, { ...releaseInputs(shop, '', 'checkout'), command: 'rollback' });

  claimStatus(context, run, 'rejected', 'nothing-to-roll-back', 1);
  const reason = run.outputs['reason'] ?? '';
  claims.claim('it says why', reason.includes('revisionHistoryLimit: 0'), reason);
};

export const rollback: Suite = {
  name: 'rollback',
  title: 'a rollback after a promotion: the old template in steps; refused where none is kept',
  alone: false,
  run: async (context) => {
    await thereAndBack(context);
    await forgotten(context);
  },
};
