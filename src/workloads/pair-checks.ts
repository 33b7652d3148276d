import { closest } from 'fastest-levenshtein';
import { changedPaths } from '../core/changed-paths.ts';
import { guardOf, MARK_PREFIX } from '../core/marks.ts';
import type { Finding, ReasonCode } from '../core/reason.ts';
import { fieldsOf } from '../core/shape.ts';
import { type Deployment, isRolledOut, plain, without } from './shape.ts';
import type { Survey } from './survey.ts';
import { MANAGED_BY, MANAGER } from './tracking.ts';
import type { Version } from './version.ts';

/** How messages name the user's own canary Deployment. */
export const pairWhere = ({ request }: Survey): string =>
  `Deployment ${request.namespace}/${request.canaryDeployment ?? request.deployment}`;

export const error = (code: ReasonCode, where: string, message: string, advice: string | null): Finding => ({
  severity: 'error',
  code,
  where,
  message,
  advice,
});

export const warning = (where: string, message: string, advice: string | null): Finding => ({
  severity: 'warning',
  code: 'invalid-config',
  where,
  message,
  advice,
});

/** Names for a message: the first ten, sorted. */
export const some = (names: readonly string[]): string =>
  names.length <= 10 ? [...names].sort().join(', ') : `${[...names].sort().slice(0, 10).join(', ')}, …`;

export const missingPair = (survey: Survey, name: string): Finding => {
  const names = survey.deployments.map((one) => one.name).filter((one) => one !== survey.request.deployment);
  const near = closest(name, names);
  const advice =
    near === ''
      ? 'Leave `canary-deployment` out: the canary is created and removed then.'
      : `Did you mean "${near}"? Or leave \`canary-deployment\` out: the canary is created and removed then.`;
  return error('deployment-not-found', pairWhere(survey), `${pairWhere(survey)} does not exist.`, advice);
};

/** Another rollout's marks: it writes this Deployment, as its canary or as its stable. */
const foreignMarks = (survey: Survey, pair: Deployment): readonly string[] => {
  const { holder, wayBack } = guardOf(survey.request.namespace, survey.request.deployment, '', '');
  return Object.keys(pair.object.metadata.labels ?? {}).filter(
    (key) => /^(holder|way-back)-/.test(key.slice(MARK_PREFIX.length)) && ![holder.key, wayBack.key].includes(key),
  );
};

const ownershipFindings = (survey: Survey, pair: Deployment): readonly Finding[] => {
  const where = pairWhere(survey);
  const { metadata } = pair.object;
  const marks = foreignMarks(survey, pair);
  const owners = (metadata.ownerReferences ?? []).filter(({ controller }) => controller === true);
  return [
    ...owners.map(({ kind, name }) =>
      error(
        'owned-by-controller',
        where,
        `${where} is owned by ${plain(`${kind} ${name}`)}, which would undo what the rollout writes.`,
        'Name a Deployment that nothing owns, or leave `canary-deployment` out.',
      ),
    ),
    ...(metadata.labels?.[MANAGED_BY] === MANAGER
      ? [
          error(
            'object-exists',
            where,
            `${where} was created by a rollout, which removes it at its end: it is no pair of yours.`,
            'Leave `canary-deployment` out.',
          ),
        ]
      : []),
    ...(marks.length === 0
      ? []
      : [
          error(
            'lock-held',
            where,
            `${where} carries the marks of a rollout of another Deployment (${some(marks)}).`,
            'Wait until that one has ended; if none is open, remove these labels.',
          ),
        ]),
  ];
};

const healthFindings = (survey: Survey, pair: Deployment): readonly Finding[] => {
  const where = pairWhere(survey);
  const refuse = (text: string, advice: string): readonly Finding[] => [
    error('canary-not-ready', where, `${where} ${text}.`, advice),
  ];
  const { status, replicas } = pair;
  if (pair.object.metadata.deletionTimestamp !== undefined)
    return refuse('is being deleted', 'Create it again first, or leave `canary-deployment` out.');
  if (pair.paused) return refuse('is paused', `Run \`kubectl rollout resume deployment/${pair.name}\` first.`);
  if (!status.observed || status.updated < replicas || status.replicas !== status.updated) {
    const numbers = `${status.updated} of ${replicas} pods updated, ${status.replicas} in all`;
    return refuse(`is in the middle of a rollout: ${numbers}`, 'Wait for it to finish, or undo it.');
  }
  if (isRolledOut(pair)) return [];
  const text = `${where} has ${status.ready} of ${replicas} pods ready: it cannot be given back better than it was found.`;
  return [warning(where, text, null)];
};

const imageFindings = (survey: Survey, pair: Deployment, version: Version): readonly Finding[] =>
  version.images
    .filter(({ container }) => !pair.containers.some(({ name }) => name === container))
    .map(({ container }) => {
      const names = pair.containers.map(({ name }) => name);
      const near = closest(container, names);
      return error(
        'invalid-config',
        pairWhere(survey),
        `${pairWhere(survey)} has no container "${container}", which stable has and which is released. Its containers: ${some(names)}.`,
        near === '' ? null : `Rename its container "${near}", or leave \`canary-deployment\` out.`,
      );
    });

/** A rollback releases a whole template, and a pair keeps its own. */
const versionFindings = (version: Version, stable: Deployment): readonly Finding[] => {
  if (version.template === null) return [];
  const paths = changedPaths(stable.template, version.template, 'template').filter((path) => !path.endsWith('.image'));
  if (paths.length === 0) return [];
  return [
    error(
      'invalid-config',
      'canary-deployment',
      `The version before differs from now in more than images (${some(paths)}), and of the pair only images are set.`,
      'Leave `canary-deployment` out, so that the canary is a copy with the whole template of that version.',
    ),
  ];
};

/** What it is judged with and stable will not have, or the other way round. */
const differences = (survey: Survey, stable: Deployment, pair: Deployment, version: Version): readonly Finding[] => {
  const isReleased = (path: string): boolean =>
    version.images.some(
      ({ container }) =>
        /^template\.spec\.(containers|initContainers)/.test(path) && path.endsWith(`[${container}].image`),
    );
  const template = ({ template: whole }: Deployment): unknown => ({
    ...whole,
    metadata: without(fieldsOf(whole['metadata']), new Set(['labels', 'creationTimestamp'])),
  });
  const paths = changedPaths(template(stable), template(pair), 'template').filter((path) => !isReleased(path));
  if (paths.length === 0) return [];
  const where = pairWhere(survey);
  const text = `${where} differs from stable in more than images and labels: ${some(paths)}. The pair is judged with its own configuration, and stable keeps its own.`;
  return [warning(where, text, null)];
};

/** Traffic on the new version before anything was judged. */
const earlyFindings = (survey: Survey, pair: Deployment, version: Version): readonly Finding[] => {
  if (survey.request.unit === 'requests' || pair.replicas === 0) return [];
  const isReleased = version.images.every(({ container, image }) =>
    pair.containers.some((one) => one.name === container && one.image === image),
  );
  if (!isReleased) return [];
  const message = `${pairWhere(survey)} runs the new version already, with ${pair.replicas} pods behind the Service: users meet it before it is judged.`;
  const advice = `Scale it to 0 first: \`kubectl -n ${survey.request.namespace} scale deployment/${pair.name} --replicas=0\`.`;
  return [error('canary-not-ready', pairWhere(survey), message, advice)];
};

/** Every reason why this Deployment cannot be the canary, by what it is and runs. */
export const pairFindings = (
  survey: Survey,
  stable: Deployment,
  pair: Deployment,
  version: Version,
): readonly Finding[] => [
  ...ownershipFindings(survey, pair),
  ...healthFindings(survey, pair),
  ...versionFindings(version, stable),
  ...imageFindings(survey, pair, version),
  ...earlyFindings(survey, pair, version),
  ...differences(survey, stable, pair, version),
];
