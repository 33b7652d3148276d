import { type RunningAction, startAction, tailOf } from '../harness/action.ts';
import { claimNoneLost, claimRestored, claimStatus, openCase } from '../harness/case.ts';
import { watchWeights } from '../harness/journal.ts';
import { listAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const NEW = '2.0';

/** When the tool puts the route back to what git says: once our entry stands there, or while a weight is held. */
type Moment = 'settle' | 'bake';

/** Resolves when `check` holds, and rejects when the run ends before. */
const during = async (context: Context, action: RunningAction, what: string, check: () => Promise<boolean>) => {
  const ended = action.done.then((run) => Promise.reject(new Error(`it ended before ${what}: ${tailOf(run)}`)));
  ended.catch(() => {}); // Later its end is expected.
  await Promise.race([ended, context.kube.until(what, check)]);
};

const reverted = async (context: Context, moment: Moment): Promise<void> => {
  const { claims, kube } = context;
  const namespace = `gitops-${moment}`;
  const rules = [{ backendRefs: [{ name: 'checkout', port: 80 }] }];
  const route = httpRoute(namespace, 'checkout', rules);
  const objects = [deployment({ namespace, name: 'checkout', version: '1.0' }), service(namespace, 'checkout'), route];
  const opened = await openCase(context, { namespace, objects, rps: 100 });
  const path = `${paths.httpRoutes(namespace)}/checkout`;
  const weights = await watchWeights(kube, route, 'checkout-canary');
  const inputs = { ...releaseInputs(opened.shop, imageOf('checkout', NEW), 'checkout'), interval: '60s' };
  const action = startAction(inputs, context.github.url);
  await during(context, action, `the ${moment}`, async () => {
    if (moment === 'settle') return listAt(await kube.get(path), 'spec', 'rules', 0, 'backendRefs').length === 2;
    const held = weights.held().at(-1);
    return held !== undefined && held.weight > 0 && Date.now() - held.from > 3000;
  });
  const revertedAt = Date.now();
  const manager = `${path}?fieldManager=argocd-controller`;
  const { status } = await kube.call('PATCH', manager, { spec: { rules } }, 'application/merge-patch+json');
  const run = await action.done;
  weights.stop();
  const report = await opened.traffic.end();

  claims.claim('the tool may revert the route', status === 200, status);
  claimStatus(context, run, 'rolled-back', 'route-changed', 1);
  const reason = run.outputs['reason'] ?? '';
  claims.claim('it says who did', reason.startsWith('Argo CD changed our entries of the route'), reason);
  claims.note('from the revert to the end of the run', `${((run.endedAt - revertedAt) / 1000).toFixed(1)} s`);
  const seen = opened.traffic.answers.filter(({ version }) => version === NEW).length;
  if (moment === 'settle') claims.claim('no user ever reached the canary', seen === 0, seen);
  claimNoneLost(context, report);
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Deployment/checkout', 'Service/checkout']);
};

export const gitops: Suite = {
  name: 'gitops',
  title: 'a GitOps tool that reverts the route is found out, named, and left its way',
  alone: false,
  run: async (context) => {
    await reverted(context, 'settle');
    await reverted(context, 'bake');
  },
};
