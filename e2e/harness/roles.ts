import { parseAllDocuments } from 'yaml';
import { listAt, textAt } from './json.ts';
import { paths } from './kube.ts';
import { type Context, identityOf } from './shop.ts';

export interface Right {
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
}

/** What the comments of a Role say may be left out, as `VERB RESOURCE`: a whole line, or the verbs named. */
export const optionalIn = (text: string): readonly string[] =>
  [...text.matchAll(/resources: \["([\w/]+)"\], verbs: \[([\w, ]+)\] \} # optional(?:: ([\w, ]+))?$/gm)].flatMap(
    ([, resource = '', all = '', some]) => (some ?? all).split(', ').map((verb) => `${verb} ${resource}`),
  );

/** The Role that `plan` prints, as rights one by one, each once: it may be printed in several places. */
export const rightsIn = (text: string): readonly Right[] => {
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

/** The kubeconfig of a ServiceAccount of the namespace with exactly these rights, made first. */
export const grant = async (
  context: Context,
  namespace: string,
  account: string,
  rights: readonly Right[],
): Promise<string> => {
  const { kube } = context;
  const rules = rights.map(({ group, resource, verb }) => ({
    apiGroups: [group],
    resources: [resource],
    verbs: [verb],
  }));
  const rbac = 'rbac.authorization.k8s.io';
  const metadata = { name: account, namespace };
  await kube.create(paths.roles(namespace), { apiVersion: `${rbac}/v1`, kind: 'Role', metadata, rules });
  await kube.create(paths.roleBindings(namespace), {
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: rbac, kind: 'Role', name: account },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  });
  return identityOf(context, namespace, account);
};
