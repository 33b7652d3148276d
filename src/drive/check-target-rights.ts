import { groupOf, type ObjectRef, type Permission } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { mergePermissions, roleYaml } from '../core/rights.ts';
import type { AccessQuestion, Cluster } from '../ports/cluster.ts';
import { errorFinding, problemFinding } from './findings.ts';

const AUTOSCALERS = ['HorizontalPodAutoscaler', 'ScaledObject'];

const permission = (ref: ObjectRef, verbs: readonly string[], why: string): Permission => ({
  group: groupOf(ref),
  resource: ref.plural,
  verbs,
  why,
});

/** What is optional in the Role until something scales stable. */
export const autoscalerPermissions = ({ autoscaler, companions }: Target): readonly Permission[] =>
  mergePermissions([
    ...(autoscaler === null ? [] : [permission(autoscaler.ref, ['get', 'patch'], 'hold what scales stable')]),
    ...companions
      .filter(({ ref }) => AUTOSCALERS.includes(ref.kind))
      .map(({ ref }) => permission(ref, ['get', 'create', 'patch', 'delete'], "create and remove the canary's copy")),
  ]);

/** Rights that are needed only because something scales stable: one finding, with the Role that has them. */
export const checkAutoscalerRights = async (
  cluster: Cluster,
  target: Target,
  permissions: readonly Permission[],
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const { namespace, deployment } = target;
  const questions = autoscalerPermissions(target).flatMap(({ group, resource, verbs }) =>
    verbs.map((verb): AccessQuestion => ({ verb, group, resource, namespace, name: null })),
  );
  if (questions.length === 0) return [];
  const answers = await cluster.can(questions, signal);
  if (answers.kind !== 'ok') return [problemFinding(answers, 'SelfSubjectAccessReview', cluster.server)];
  const missing = questions.filter((_, index) => answers.value[index] !== true);
  const [first] = missing;
  if (first === undefined) return [];
  const verbs = missing.map(({ verb }) => verb).join(', ');
  const own = permissions.filter((one) => one.namespace === undefined || one.namespace === namespace);
  return [
    errorFinding(
      'autoscaler',
      first.resource,
      `something scales Deployment ${namespace}/${deployment}, and these credentials may not ${verbs} ${first.resource} in the namespace ${namespace}: it could take stable's pods away while the canary is judged`,
      `apply this Role and bind it to the identity of the runner:\n${roleYaml(own, namespace)}`,
    ),
  ];
};
