import { closest } from 'fastest-levenshtein';
import { type ObjectRef, objectIn, objectRef, type ResourceKind, type Seen } from '../core/objects.ts';
import type { Finding, ReasonCode } from '../core/reason.ts';
import type { WorkloadRequest } from '../ports/workload.ts';
import { worstPod } from './pod-problem.ts';
import { type Deployment, isRolledOut } from './shape.ts';
import { podsOf, type Survey } from './survey.ts';

const error = (code: ReasonCode, where: string, message: string, advice: string | null): Finding => ({
  severity: 'error',
  code,
  message,
  where,
  advice,
});

const whereOf = (survey: Survey): string => `Deployment ${survey.request.namespace}/${survey.request.deployment}`;

/** Names for a message: the first ten, sorted. */
const some = (names: readonly string[]): string =>
  names.length <= 10 ? [...names].sort().join(', ') : `${[...names].sort().slice(0, 10).join(', ')}, …`;

/** Kinds that people name when they mean what they deploy, and why a Deployment is needed. */
const OTHER_KINDS: readonly (ResourceKind & { readonly why: string })[] = [
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    plural: 'statefulsets',
    why: 'its pods have identities and volumes of their own, which a second copy would not share',
  },
  {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    plural: 'daemonsets',
    why: 'it runs one pod on each node, so the size of a canary cannot be chosen',
  },
  {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    plural: 'rollouts',
    why: 'Argo Rollouts releases it step by step already',
  },
  {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    plural: 'services',
    why: 'Knative splits its traffic between revisions already',
  },
];

export const namesakes = ({ namespace, deployment }: WorkloadRequest): readonly ObjectRef[] =>
  OTHER_KINDS.map(({ why: _why, ...kind }) => objectRef(kind, namespace, deployment));

const otherKind = (seen: Seen, { request }: Survey): Finding | null => {
  const { namespace, deployment } = request;
  const found = OTHER_KINDS.find((kind) => objectIn(seen, objectRef(kind, namespace, deployment)) !== null);
  if (found === undefined) return null;
  const kind = found.apiVersion.startsWith('serving.knative.dev/') ? 'Knative Service' : found.kind;
  return error(
    'deployment-not-found',
    `${kind} ${namespace}/${deployment}`,
    `${deployment} is a ${kind}; only Deployments can be rolled out, because ${found.why}.`,
    'Name a Deployment, or release it by its own means.',
  );
};

export const missingDeployment = (seen: Seen, survey: Survey): Finding => {
  const other = otherKind(seen, survey);
  if (other !== null) return other;
  const names = survey.deployments.map(({ name }) => name);
  const near = closest(survey.request.deployment, names);
  return error(
    'deployment-not-found',
    whereOf(survey),
    `${whereOf(survey)} does not exist.`,
    near === ''
      ? `Namespace ${survey.request.namespace} has no Deployment.`
      : `Did you mean "${near}"? The namespace has: ${some(names)}.`,
  );
};

/** A rollback with steps compares with stable too. Where stable serves nobody, steps protect nobody. */
const repair = ({ request }: Survey, otherwise: string): string =>
  request.version.kind === 'previous'
    ? `Steps need a stable that serves. To bring the version before back at once: \`kubectl -n ${request.namespace} rollout undo deployment/${request.deployment}\`.`
    : otherwise;

const unhealthy = (survey: Survey, stable: Deployment): readonly [message: string, advice: string] | null => {
  const { status, replicas } = stable;
  if (stable.object.metadata.deletionTimestamp !== undefined) return ['is being deleted', 'Create it again first.'];
  if (stable.paused) return ['is paused', `Run \`kubectl rollout resume deployment/${stable.name}\` first.`];
  if (replicas === 0) return ['has 0 replicas', 'Scale it up first: a canary is compared with stable under traffic.'];
  if (isRolledOut(stable)) return null;
  const isRollingOut = !status.observed || status.updated < replicas || status.replicas > status.updated;
  const numbers = `${status.updated} of ${replicas} pods updated, ${status.ready} ready, ${status.available} available, ${status.replicas} in all`;
  return isRollingOut
    ? [`is in the middle of a rollout: ${numbers}`, repair(survey, 'Wait for it to finish, or undo it.')]
    : [
        `has ${status.ready} of ${replicas} pods ready, ${status.available} available`,
        repair(survey, 'Repair stable first.'),
      ];
};

export const healthFindings = (survey: Survey, stable: Deployment): readonly Finding[] => {
  const found = unhealthy(survey, stable);
  if (found === null) return [];
  const [message, advice] = found;
  const pod = worstPod(podsOf(stable, survey.replicaSets, survey.pods));
  const why = pod === null ? '' : ` (${pod})`;
  return [error('stable-not-healthy', whereOf(survey), `${whereOf(survey)} ${message}${why}.`, advice)];
};

/** Owners that would put back what the rollout writes, also where they are not marked as the controller. */
const FOREIGN_OWNERS = new Set(['Rollout', 'Canary', 'Revision', 'Configuration']);

export const ownerFindings = (survey: Survey, stable: Deployment): readonly Finding[] =>
  (stable.object.metadata.ownerReferences ?? [])
    .filter(({ controller, kind }) => controller === true || FOREIGN_OWNERS.has(kind))
    .map(({ kind, name, apiVersion }) =>
      error(
        'owned-by-controller',
        whereOf(survey),
        `${whereOf(survey)} is owned by ${kind} ${name} (${apiVersion}), which would undo what the rollout writes.`,
        'Release through its owner, or roll out a Deployment that nothing owns.',
      ),
    );
