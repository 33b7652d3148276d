import { type ActionRun, type Inputs, tailOf } from '../harness/action.ts';
import { auditOf, writesOf } from '../harness/audit.ts';
import {
  type Case,
  claimNoneLost,
  claimPromoted,
  claimRestored,
  claimStatus,
  openCase,
  runAction,
} from '../harness/case.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { grant, optionalIn, type Right, rightsIn } from '../harness/roles.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const NAMESPACE = 'rights';
const userOf = (account: string): string => `system:serviceaccount:${NAMESPACE}:${account}`;

const without = async (context: Context, inputs: Inputs, rights: readonly Right[], missing: Right): Promise<void> => {
  const { verb, resource } = missing;
  const account = `without-${verb}-${resource.replaceAll('/', '-')}`;
  const kubeconfig = await grant(
    context,
    NAMESPACE,
    account,
    rights.filter((right) => right !== missing),
  );
  const run: ActionRun = await runAction(context, { ...inputs, kubeconfig });
  const told = run.outputs['reason'] ?? '';
  const named = told.includes(`${verb} ${resource}`) && told.includes(NAMESPACE);
  const writes = writesOf(auditOf(context.stack.auditLog, userOf(account))).map(
    (write) => `${write.verb} ${write.uri}`,
  );
  const ended = `${run.outputs['status']}, ${run.outputs['reason-code']}`;
  const holds = ended === 'rejected, forbidden' && run.exitCode === 1 && named && writes.length === 0;
  const measured = holds
    ? `${ended}: ${run.outputs['reason']}`
    : { ended, named, writes, reason: run.outputs['reason'], log: tailOf(run) };
  context.claims.claim(`without ${verb} ${resource} nothing is touched and the right is named`, holds, measured);
};

const promoted = async (context: Context, opened: Case, inputs: Inputs, rights: readonly Right[]): Promise<void> => {
  const account = 'least';
  const run = await runAction(context, { ...inputs, kubeconfig: await grant(context, NAMESPACE, account, rights) });
  claimStatus(context, run, 'promoted', 'completed', 0);
  const refused = auditOf(context.stack.auditLog, userOf(account)).filter(({ status }) => status === 403);
  const texts = refused.map(({ verb, uri }) => `${verb} ${uri}`);
  context.claims.claim(
    'nothing that it asks for is refused',
    texts.length === 0,
    texts.length === 0 ? 'nothing' : texts,
  );
  await claimPromoted(context, opened, 'checkout', inputs['image'] ?? '');
};

/** Rights that no release of this shape used: the Role asks for more than it needs. */
const noteUnused = (context: Context, rights: readonly Right[]): void => {
  const used = new Set(
    auditOf(context.stack.auditLog, userOf('least')).map(
      ({ verb, resource, subresource }) => `${verb} ${subresource ? `${resource}/${subresource}` : resource}`,
    ),
  );
  const unused = rights.map(({ verb, resource }) => `${verb} ${resource}`).filter((right) => !used.has(right));
  context.claims.note('rights that this release did not use', unused.join(', ') || 'none');
};

export const rights: Suite = {
  name: 'rights',
  title: 'the Role that plan prints is enough, and each of its rights is checked before any write',
  alone: false,
  run: async (context) => {
    const route = httpRoute(NAMESPACE, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
    const app = deployment({ namespace: NAMESPACE, name: 'checkout', version: '1.0' });
    const opened = await openCase(context, {
      namespace: NAMESPACE,
      objects: [app, service(NAMESPACE, 'checkout'), route],
      rps: 50,
    });
    const inputs = { ...releaseInputs(opened.shop, imageOf('checkout', '2.0'), 'checkout'), weights: '50' };
    const plan = await runAction(context, { ...inputs, command: 'plan' });
    claimStatus(context, plan, 'planned', 'planned', 0);
    const wrote = writesOf(auditOf(context.stack.auditLog, opened.shop.user));
    context.claims.claim(
      'plan writes nothing',
      wrote.length === 0,
      wrote.map(({ verb, uri }) => `${verb} ${uri}`),
    );
    const needed = rightsIn(`${plan.summary}\n${plan.log}`);
    context.claims.claim('plan prints the Role', needed.length > 0, `${needed.length} rights`);

    const optional = optionalIn(`${plan.summary}\n${plan.log}`);
    const missed = needed.filter(({ verb, resource }) => !optional.includes(`${verb} ${resource}`));
    for (const missing of missed) await without(context, inputs, needed, missing);
    await claimRestored(context, opened, ['HTTPRoute/checkout', 'Deployment/checkout', 'Service/checkout']);
    await promoted(context, opened, inputs, needed);
    noteUnused(context, needed);
    claimNoneLost(context, await opened.traffic.end());
    await claimRestored(context, opened, ['HTTPRoute/checkout']);
  },
};
