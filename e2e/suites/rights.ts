import { parseAllDocuments } from 'yaml';
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
import { listAt, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, identityOf, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const NAMESPACE = 'rights';
interface Right {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
}

/** What the comments of a Role say may be left out, as `VERB RESOURCE`: a whole line, or the verbs named. */
const optionalIn = (text: string): readonly string[] =>
  [...text.matchAll(/resources: \["([\w/]+)"\], verbs: \[([\w, ]+)\] \} # optional(?:: ([\w, ]+))?$/gm)].flatMap(
    ([, resource = '', all = '', some]) => (some ?? all).split(', ').map((verb) => `${verb} ${resource}`),
  );

/** The Role that `plan` prints, as rights one by one, each once: it may be printed in several places. */
const rightsIn = (text: string): readonly Right[] => {
  const blocks = [...text.matchAll(/```ya?ml\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
  const documents = blocks.flatMap((block) => parseAllDocuments(block).map((one): unknown => one.toJS()));
  const roles = documents.filter((one) => textAt(one, 'kind') === 'Role');
  const all = roles
    .flatMap((role) => listAt(role, 'rules'))
    .flatMap((rule) =>
      listAt(rule, 'apiGroups').flatMap((group) =>
        listAt(rule, 'resources').flatMap((resource) =>
          listAt(rule, 'verbs').map((verb) => ({
            group: String(group),
            resource: String(resource),
            verb: String(verb),
          })),
        ),
      ),
    );
  return [...new Map(all.map((right) => [`${right.verb} ${right.resource}.${right.group}`, right])).values()];
};

/** A ServiceAccount with exactly these rights. */
const grant = async (context: Context, account: string, rights: readonly Right[]): Promise<string> => {
  const { kube } = context;
  const rules = rights.map(({ group, resource, verb }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
  }));
  const rbac = 'rbac.authorization.k8s.io';
  const metadata = { name: account, namespace: NAMESPACE };
  await kube.create(paths.roles(NAMESPACE), { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules });
  await kube.create(paths.roleBindings(NAMESPACE), {
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: rbac, kind: 'Role', name: account },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: NAMESPACE }],
  });
  return identityOf(context, NAMESPACE, account);
};

const userOf = (account: string): string => `system:serviceaccount:${NAMESPACE}:${account}`;

const without = async (context: Context, inputs: Inputs, rights: readonly Right[], missing: Right): Promise<void> => {
  const { verb, resource } = missing;
  const account = `without-${verb}-${resource.replaceAll('/', '-')}`;
  const kubeconfig = await grant(
    context,
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
  const run = await runAction(context, { ...inputs, kubeconfig: await grant(context, account, rights) });
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
