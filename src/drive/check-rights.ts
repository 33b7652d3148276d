import type { Permission } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import { mergePermissions, roleYaml } from '../core/rights.ts';
import type { AccessQuestion, Cluster } from '../ports/cluster.ts';
import { errorFinding, problemFinding } from './findings.ts';

/** Asks the API server for every right at once (SelfSubjectAccessReview). Each one missing is a finding with the Role to apply. */
export const checkRights = async (
  cluster: Cluster,
  permissions: readonly Permission[],
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const questions = mergePermissions(permissions).flatMap(({ group, resource, verbs, namespace: other }) =>
    verbs.map((verb): AccessQuestion => ({ verb, group, resource, namespace: other ?? namespace, name: null })),
  );
  const answers = await cluster.can(questions, signal);
  if (answers.kind !== 'ok') return [problemFinding(answers, 'SelfSubjectAccessReview', cluster.server)];
  const namespaces = new Set(permissions.map((permission) => permission.namespace ?? namespace));
  const role = [...namespaces]
    .map((one) =>
      roleYaml(
        permissions.map((permission) => ({ ...permission, namespace: permission.namespace ?? namespace })),
        one,
      ),
    )
    .join('---\n');
  return questions
    .filter((_, index) => answers.value[index] !== true)
    .map(({ verb, group, resource, namespace: where }, index) =>
      errorFinding(
        'forbidden',
        `${resource}${group === '' ? '' : `.${group}`}`,
        `these credentials may not ${verb} ${resource} in the namespace ${where}`,
        index === 0 ? `apply this Role and bind it to the identity of the runner:\n${role}` : null,
      ),
    );
};
