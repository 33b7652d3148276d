import { closest } from 'fastest-levenshtein';
import type { Finding, ReasonCode } from '../core/reason.ts';
import { type Fields, fieldsOf, textOf } from '../core/shape.ts';
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

export const missingDeployment = (survey: Survey): Finding => {
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

const roundedPercent = (value: unknown, of: number, round: (value: number) => number, fallback: string): number => {
  const written = value ?? fallback;
  if (typeof written === 'number') return written;
  const [, percent] = /^(\d+)%$/.exec(String(written)) ?? [];
  return percent === undefined ? of : round((Number(percent) / 100) * of);
};

/** How many pods the Deployment controller may take away at once (ResolveFenceposts: both zero means one unavailable). */
const mayBeMissing = (strategy: Fields, replicas: number): number => {
  const rolling = fieldsOf(strategy['rollingUpdate']);
  const unavailable = roundedPercent(rolling['maxUnavailable'], replicas, Math.floor, '25%');
  const surge = roundedPercent(rolling['maxSurge'], replicas, Math.ceil, '25%');
  return unavailable === 0 && surge === 0 ? 1 : unavailable;
};

export const strategyFindings = (survey: Survey, stable: Deployment): readonly Finding[] => {
  if (textOf(stable.strategy['type']) === 'Recreate') {
    const message = `${whereOf(survey)} has the strategy Recreate: promotion would stop every stable pod before a new one starts.`;
    return [error('unsafe-strategy', whereOf(survey), message, 'Use RollingUpdate.')];
  }
  const missing = mayBeMissing(stable.strategy, stable.replicas);
  if (stable.replicas === 0 || missing < stable.replicas) return [];
  const pods = stable.replicas === 1 ? 'its only pod' : `all ${stable.replicas} pods`;
  const message = `${whereOf(survey)} allows ${pods} to be unavailable during an update (maxUnavailable and maxSurge), so promotion could leave none.`;
  return [error('unsafe-strategy', whereOf(survey), message, 'Set maxUnavailable: 0 and maxSurge: 1.')];
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
