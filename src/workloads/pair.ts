import { fitName } from '../core/marks.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Pair } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { canaryServiceName, LABEL_LIMIT } from './labels.ts';
import { error, missingPair, pairFindings, pairWhere, some, warning } from './pair-checks.ts';
import { pairServiceSelector } from './pair-plan.ts';
import { matches, selects } from './selectors.ts';
import type { Deployment } from './shape.ts';
import { isOfRollout, podsOf, type Survey } from './survey.ts';
import { MANAGED_BY, MANAGER } from './tracking.ts';
import type { Version } from './version.ts';

type Labels = Readonly<Record<string, string>>;

/** The user's own canary Deployment, as far as the target needs it. */
export interface Adopted {
  readonly pair: Pair;
  /** Labels that tell its pods from stable's, with its values. */
  readonly relabel: Labels;
  readonly canaryService: string | null;
}

interface Adoption {
  /** null: it cannot be the canary, and findings say why. */
  readonly adopted: Adopted | null;
  readonly findings: readonly Finding[];
}

const differing = (labels: Labels, from: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([key, value]) => from[key] !== value));

/** Those that its selector demands are on each of its pods, of whatever version. */
const ownLabels = (stable: Deployment, pair: Deployment): Labels => {
  const demanded = differing(pair.selector.matchLabels, stable.labels);
  return Object.keys(demanded).length > 0 ? demanded : differing(pair.labels, stable.labels);
};

/** Fewer labels list more pods, and a text of any length is no selector. */
const MOST_LABELS = 8;

/** By labels that both selectors demand: those are on every pod of either, and never change. */
const armsSelector = (stable: Deployment, pair: Deployment): string =>
  Object.entries(stable.selector.matchLabels)
    .map(([key, value]) => [key, value, pair.selector.matchLabels[key] ?? ''] as const)
    .filter(([, value, other]) => value !== '' && other !== '')
    .map(([key, value, other]) => (value === other ? `${key}=${value}` : `${key} in (${value},${other})`))
    .sort()
    .slice(0, MOST_LABELS)
    .join(',');

const overlapFindings = (survey: Survey, stable: Deployment, pair: Deployment): readonly Finding[] => {
  const unsafe = (message: string): readonly Finding[] => [
    error(
      'unsafe-labels',
      pairWhere(survey),
      message,
      'Let each select by a label of its own, such as `track: stable` and `track: canary` (to change a selector the Deployment has to be created again).',
    ),
  ];
  if (matches(pair.selector, stable.labels))
    return unsafe(`The selector of ${pairWhere(survey)} also selects the pods of Deployment ${stable.name}.`);
  if (matches(stable.selector, pair.labels))
    return unsafe(`The selector of Deployment ${stable.name} also selects the pods of ${pairWhere(survey)}.`);
  return Object.keys(ownLabels(stable, pair)).length === 0
    ? unsafe(`The pods of ${pairWhere(survey)} have no label that those of Deployment ${stable.name} have not.`)
    : [];
};

const namesOf = (services: readonly KubeObject[]): string => some(services.map(({ metadata }) => metadata.name));

/** Where requests are split, none may reach the pair but by the canary's own Service; where pods are, all come by the shared one. */
const serviceFindings = (
  survey: Survey,
  stable: Deployment,
  pair: Deployment,
  service: KubeObject | null,
): readonly Finding[] => {
  const { namespace, unit } = survey.request;
  const selecting = survey.services.filter((one) => !isOfRollout(one, survey.request) && selects(one, pair.labels));
  const both = selecting.filter((one) => selects(one, stable.labels));
  const alone = selecting.filter((one) => !both.includes(one));
  const direct = alone.map((one) =>
    warning(
      `Service ${namespace}/${one.metadata.name}`,
      `Service ${namespace}/${one.metadata.name} selects the pods of ${pairWhere(survey)} alone: whoever calls it meets the new version from the start, whatever the weight.`,
      null,
    ),
  );
  if (unit === 'requests')
    return [
      ...direct,
      ...both.map((one) => ({
        ...error(
          'ambiguous-service',
          `Service ${namespace}/${one.metadata.name}`,
          `Service ${namespace}/${one.metadata.name} selects the pods of both ${stable.name} and ${pair.name}, so requests reach the canary past the route.`,
          'Split by pods with `route: replicas`, or let the Service select the pods of stable alone.',
        ),
        // Past the one that the route leads to, no weight could be kept.
        ...(one === service ? {} : { allow: `Service/${one.metadata.name}` }),
      })),
    ];
  if (service === null || both.includes(service)) return direct;
  const others = both.length === 0 ? 'None of the namespace selects both.' : `These select both: ${namesOf(both)}.`;
  const where = `Service ${namespace}/${service.metadata.name}`;
  const message = `${where} does not select the pods of ${pairWhere(survey)}: with \`route: replicas\` they would get no traffic.`;
  return [
    ...direct,
    error('ambiguous-service', where, message, `${others} Name it with \`service\`, or split by a route.`),
  ];
};

/** The canary Service would lead to pods that are neither's. */
const strangerFindings = (survey: Survey, pair: Deployment, relabel: Labels): readonly Finding[] => {
  if (survey.request.unit === 'pods') return [];
  const selector = { matchLabels: pairServiceSelector(pair, relabel), matchExpressions: [] };
  const own = podsOf(pair, survey.replicaSets, survey.pods);
  const stranger = survey.pods.find((pod) => !own.includes(pod) && matches(selector, pod.metadata.labels ?? {}));
  if (stranger === undefined) return [];
  const message = `The labels of ${pairWhere(survey)} would also select pod ${stranger.metadata.name}, which is not the canary's.`;
  return [error('unsafe-labels', pairWhere(survey), message, 'Remove it, or give it other labels.')];
};

/** A Service of ours, also where the user has one of the usual name: that one is left alone. */
const canaryServiceOf = (survey: Survey, service: KubeObject | null): string | null => {
  if (service === null || survey.request.unit === 'pods') return null;
  const usual = canaryServiceName(service.metadata.name);
  const isTaken = survey.services.some(
    (one) =>
      one.metadata.name === usual && !isOfRollout(one, survey.request) && one.metadata.labels?.[MANAGED_BY] !== MANAGER,
  );
  return isTaken ? fitName(`${service.metadata.name}-canary-rollout`, LABEL_LIMIT) : usual;
};

const adopt = (
  survey: Survey,
  stable: Deployment,
  pair: Deployment,
  version: Version,
  service: KubeObject | null,
): Adopted => ({
  pair: {
    replicas: pair.replicas,
    images: pair.containers
      .filter(({ name }) => version.images.some(({ container }) => container === name))
      .map(({ name, image }) => ({ container: name, image })),
    arms: armsSelector(stable, pair),
  },
  relabel: ownLabels(stable, pair),
  canaryService: canaryServiceOf(survey, service),
});

/** The Deployment that the user names as the canary, and every reason why it cannot be; null: the canary is to be made. */
export const adoptPair = (
  survey: Survey,
  stable: Deployment,
  version: Version | null,
  service: KubeObject | null,
): Adoption | null => {
  const name = survey.request.canaryDeployment;
  if (name === null) return null;
  if (name === stable.name) {
    const message = `\`canary-deployment\` names ${pairWhere(survey)}, which is stable itself.`;
    return {
      adopted: null,
      findings: [error('invalid-config', 'canary-deployment', message, 'Name the other one of the pair.')],
    };
  }
  const pair = survey.deployments.find((one) => one.name === name);
  if (pair === undefined) return { adopted: null, findings: [missingPair(survey, name)] };
  if (version === null) return { adopted: null, findings: [] };
  const findings = [
    ...pairFindings(survey, stable, pair, version),
    ...overlapFindings(survey, stable, pair),
    ...serviceFindings(survey, stable, pair, service),
    ...strangerFindings(survey, pair, ownLabels(stable, pair)),
  ];
  const adopted = adopt(survey, stable, pair, version, service);
  return { adopted: Object.keys(adopted.relabel).length === 0 ? null : adopted, findings };
};
