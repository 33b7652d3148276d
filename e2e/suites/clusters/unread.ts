import { auditOf, writesOf } from '../../harness/audit.ts';
import { claimStatus, runAction } from '../../harness/case.ts';
import { grant, optionalIn, rightsIn } from '../../harness/roles.ts';
import type { HazardCase, HazardContext, Outcome } from './case.ts';
import { inputsOf, openSetting } from './case.ts';
import { foreignObject } from './surroundings.ts';

/** The Role of `plan` without what it says may be left out, beside a policy that would be refused. */
const unread = async (context: HazardContext): Promise<Outcome> => {
  const { claims, namespace, stack } = context;
  const policy = foreignObject(
    'networking.k8s.io/v1',
    'NetworkPolicy',
    { name: 'checkout', namespace },
    { spec: { podSelector: { matchLabels: { app: 'checkout' } }, policyTypes: ['Ingress'], ingress: [{}] } },
  );
  const shop = await openSetting(context, { foreign: [policy] });
  // All objects are allowed: what is asked here is the Role.
  const inputs = {
    ...inputsOf(shop, {}),
    metrics: '',
    prometheus: '',
    command: 'plan',
    allow: 'NetworkPolicy/checkout',
  };
  const plan = await runAction(context, inputs);
  claimStatus(context, plan, 'planned', 'planned', 0);
  const text = `${plan.summary}\n${plan.log}`;
  const optional = optionalIn(text);
  const needed = rightsIn(text).filter(({ verb, resource }) => !optional.includes(`${verb} ${resource}`));
  const kubeconfig = await grant(context, namespace, 'narrow', needed);
  const narrow = await runAction(context, { ...inputs, allow: '', kubeconfig });
  claimStatus(context, narrow, 'planned', 'planned', 0);
  const told = /not checked, because they cannot be read[^\n]*/.exec(narrow.log)?.[0] ?? '';
  claims.claim('the kinds that it may not read are named as not checked', told.includes('NetworkPolicy'), told);
  const wrote = writesOf(auditOf(stack.auditLog, `system:serviceaccount:${namespace}:narrow`));
  claims.claim('nothing is written', wrote.length === 0, `${wrote.length} writes`);
  return { does: 'goes on, and names them as not checked', outcome: 'planned, with a warning', override: '' };
};

export const cases: readonly HazardCase[] = [
  { hazard: '–', name: 'unread', what: 'a NetworkPolicy, and credentials that may list no policies', run: unread },
];
