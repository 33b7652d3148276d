import { groupOf, type ObjectRef, type Permission } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { roleYaml } from '../core/rights.ts';
import type { AccessQuestion, Cluster } from '../ports/cluster.ts';
import { errorFinding, problemFinding } from './findings.ts';

const AUTOSCALERS = ['HorizontalPodAutoscaler', 'ScaledObject'];

interface Needed {
  readonly ref: ObjectRef;
  readonly verb: string;
}

const neededFor = ({ autoscaler, companions }: Target): readonly Needed[] => [
  ...(autoscaler === null ? [] : ['get', 'patch'].map((verb) => ({ ref: autoscaler.ref, verb }))),
  ...companions
    .filter(({ ref }) => AUTOSCALERS.includes(ref.kind))
    .flatMap(({ ref }) => ['get', 'create', 'patch', 'delete'].map((verb) => ({ ref, verb }))),
];

/** Rights that are needed only because something scales stable: one finding, with the Role that has them. */
export const checkAutoscalerRights = async (
  cluster: Cluster,
  target: Target,
  permissions: readonly Permission[],
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const needed = neededFor(target);
  const questions = [
    ...new Map(
      needed.map(({ ref, verb }) => {
        const question: AccessQuestion = {
          verb,
          group: groupOf(ref),
          resource: ref.plural,
          namespace: ref.namespace,
          name: null,
        };
        return [`${verb} ${ref.plural}`, question] as const;
      }),
    ).values(),
  ];
  if (questions.length === 0) return [];
  const answers = await cluster.can(questions, signal);
  if (answers.kind !== 'ok') return [problemFinding(answers, 'SelfSubjectAccessReview', cluster.server)];
  const missing = questions.filter((_, index) => answers.value[index] !== true);
  if (missing.length === 0) return [];
  const [first] = missing;
  const verbs = missing.map(({ verb }) => verb).join(', ');
  const own = permissions.filter(({ namespace }) => namespace === undefined || namespace === target.namespace);
  return [
    errorFinding(
      'autoscaler',
      first?.resource ?? 'autoscaler',
      `something scales Deployment ${target.namespace}/${target.deployment}, and these credentials may not ${verbs} ${first?.resource ?? ''} in the namespace ${target.namespace}: it could take stable's pods away while the canary is judged`,
      `apply this Role and bind it to the identity of the runner:\n${roleYaml(own, target.namespace)}`,
    ),
  ];
};
