import { closest } from 'fastest-levenshtein';
import type { KubeObject } from '../core/objects.ts';
import type { Finding, ReasonCode } from '../core/reason.ts';
import { fieldsOf } from '../core/shape.ts';
import { selects, serviceSelector } from './selectors.ts';
import type { Deployment } from './shape.ts';
import { isOfRollout, podsOf, type Survey } from './survey.ts';

export interface ServiceChoice {
  /** null: none is needed, or none was found (then a finding says so). */
  readonly service: KubeObject | null;
  readonly findings: readonly Finding[];
}

const refused = (code: ReasonCode, where: string, message: string, advice: string | null): ServiceChoice => ({
  service: null,
  findings: [{ severity: 'error', code, message, where, advice }],
});

const names = (services: readonly KubeObject[]): string =>
  services
    .map(({ metadata }) => metadata.name)
    .sort()
    .join(', ');

const findNamed = (
  survey: Survey,
  stable: Deployment,
  name: string,
  selecting: readonly KubeObject[],
): ServiceChoice => {
  const where = `Service ${survey.request.namespace}/${name}`;
  const service = survey.services.find(({ metadata }) => metadata.name === name);
  const others = selecting.length === 0 ? 'None of the namespace does.' : `These do: ${names(selecting)}.`;
  if (service === undefined) {
    const near = closest(
      name,
      survey.services.map(({ metadata }) => metadata.name),
    );
    const advice = near === '' ? 'The namespace has no Service.' : `Did you mean "${near}"?`;
    return refused('service-not-found', where, `${where} does not exist.`, advice);
  }
  if (selects(service, stable.labels)) return { service, findings: [] };
  const why = serviceSelector(service) === null ? 'has no selector' : 'does not select';
  const message =
    why === 'has no selector'
      ? `${where} has no selector, so its endpoints cannot be copied for the canary.`
      : `${where} does not select the pods of Deployment ${stable.name}.`;
  return refused('service-not-found', where, message, others);
};

const findByLabels = (survey: Survey, stable: Deployment, selecting: readonly KubeObject[]): ServiceChoice => {
  const where = `Deployment ${survey.request.namespace}/${stable.name}`;
  const [only, ...others] = selecting;
  if (only !== undefined && others.length === 0) return { service: only, findings: [] };
  if (only !== undefined) {
    const message = `${selecting.length} Services select the pods of ${where}: ${names(selecting)}.`;
    return refused('ambiguous-service', where, message, 'Name the one that the route leads to with `service`.');
  }
  if (survey.request.unit === 'pods') return { service: null, findings: [] };
  return refused(
    'service-not-found',
    where,
    `No Service of namespace ${survey.request.namespace} selects the pods of ${where}.`,
    'Without a Service there is nothing to route: use `route: replicas` for queue workers.',
  );
};

/** The Service whose traffic is stable's; found by its selector unless it is named. */
export const findService = (survey: Survey, stable: Deployment): ServiceChoice => {
  const selecting = survey.services.filter(
    (service) => !isOfRollout(service, survey.request) && selects(service, stable.labels),
  );
  const { service: name } = survey.request;
  return name === null ? findByLabels(survey, stable, selecting) : findNamed(survey, stable, name, selecting);
};

/** Pods of finished Jobs keep their labels but are no endpoints. */
const hasFinished = (pod: KubeObject): boolean => {
  const phase = fieldsOf(pod['status'])['phase'];
  return phase === 'Succeeded' || phase === 'Failed';
};

/**
 * A Service that also selects pods of others: its traffic is not stable's alone, so neither a share of it nor a
 * comparison with stable would mean anything. Deployments without replicas do not count.
 */
export const sharedServiceFindings = (survey: Survey, stable: Deployment, service: KubeObject): readonly Finding[] => {
  const ours = survey.deployments.filter(
    ({ name, object }) => isOfRollout(object, survey.request) || name === survey.request.canaryDeployment,
  );
  const others = survey.deployments.filter(
    (one) => one.name !== stable.name && !ours.includes(one) && one.replicas > 0 && selects(service, one.labels),
  );
  const explained = new Set(
    [stable, ...ours, ...others].flatMap((one) => podsOf(one, survey.replicaSets, survey.pods)),
  );
  const strays = survey.pods.filter(
    (pod) =>
      !explained.has(pod) &&
      pod.metadata.deletionTimestamp === undefined &&
      !hasFinished(pod) &&
      selects(service, pod.metadata.labels ?? {}),
  );
  const found = [
    ...others.map(({ name }) => `Deployment ${name}`),
    ...strays.slice(0, 3).map((pod) => `pod ${pod.metadata.name}`),
  ];
  if (found.length === 0) return [];
  const where = `Service ${survey.request.namespace}/${service.metadata.name}`;
  return [
    {
      severity: 'error',
      code: 'ambiguous-service',
      message: `${where} selects not only the pods of Deployment ${stable.name} but also those of ${found.join(', ')}, so its traffic is not stable's alone.`,
      where,
      advice: 'Name a Service that selects the pods of this Deployment only, and route to it.',
    },
  ];
};
