import type { KubeObject } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import { canaryDeploymentSelector, canaryServiceSelector } from './copy.ts';
import { canaryServiceName, findRelabel, type LabelRules, type Relabelling } from './labels.ts';
import { matches, selectorKeys, serviceSelector } from './selectors.ts';
import type { Deployment, LabelSelector } from './shape.ts';
import { podsOf, type Survey } from './survey.ts';
import { isOfOriginal, untracked } from './tracking.ts';

type Labels = Readonly<Record<string, string>>;

/** What the canary's pods have to be told from: everything but objects of the canary's own names, which `resolve` reports. */
interface Others {
  readonly deployments: readonly Deployment[];
  readonly services: readonly KubeObject[];
  readonly pods: readonly KubeObject[];
}

const othersOf = (survey: Survey, service: KubeObject | null): Others => {
  const canaryService = service === null ? null : canaryServiceName(service.metadata.name);
  const canaries = survey.deployments.filter(({ name }) => name === survey.canaryDeployment);
  const canaryPods = new Set(canaries.flatMap((one) => podsOf(one, survey.replicaSets, survey.pods)));
  return {
    deployments: survey.deployments.filter((one) => !canaries.includes(one)),
    services: survey.services.filter(({ metadata }) => metadata.name !== canaryService),
    pods: survey.pods.filter((pod) => !canaryPods.has(pod)),
  };
};

const unsafe = (where: string, message: string, advice: string): Finding => ({
  severity: 'error',
  code: 'unsafe-labels',
  message,
  where,
  advice,
});

/**
 * Labels that keep the canary's pods out of every Service and Deployment selector of the namespace, and in the Service that
 * both arms share where pods are the unit. `stable` has the new version's template here and in `strangerFindings`.
 */
export const relabelling = (survey: Survey, stable: Deployment, service: KubeObject | null): Relabelling => {
  const others = othersOf(survey, service);
  const shared = survey.request.unit === 'pods' ? (service?.metadata.name ?? null) : null;
  const services = others.services.flatMap((one) => {
    const selector = serviceSelector(one);
    return selector === null ? [] : [{ name: one.metadata.name, what: `Service ${one.metadata.name}`, selector }];
  });
  const avoid: LabelRules['avoid'] = [
    { what: `Deployment ${stable.name}`, selector: stable.selector },
    ...services.filter(({ name }) => name !== shared),
    ...others.deployments
      .filter(({ name }) => name !== stable.name)
      .map(({ name, selector }) => ({ what: `Deployment ${name}`, selector })),
  ];
  return findRelabel({
    labels: untracked(stable.labels),
    prefer: selectorKeys(stable.selector),
    keep: services.filter(({ name }) => name === shared).map(({ selector }) => selector),
    avoid,
  });
};

/** Says why no labels do. `what` is the selector that nothing gets around. */
export const noLabels = (survey: Survey, stable: Deployment, service: KubeObject | null, what: string): Finding => {
  const where = `Deployment ${survey.request.namespace}/${stable.name}`;
  if (survey.request.unit === 'requests' || service === null) {
    return unsafe(
      where,
      `No change of label values keeps the canary's pods apart from ${what}.`,
      `Let ${what} select pods by the value of a label that they have.`,
    );
  }
  return unsafe(
    where,
    `No labels let the canary's pods match Service ${service.metadata.name} but not ${what}: every label that ${what} selects by is one that the Service selects by too.`,
    `Split the traffic by a route instead of replicas, or let ${what} select by one more label, which the Service does not (to change a Deployment's selector it has to be created again).`,
  );
};

const trackingOf = (where: string, selector: LabelSelector | null): readonly Finding[] => {
  const keys = selector === null ? [] : selectorKeys(selector).filter(isOfOriginal);
  if (keys.length === 0) return [];
  const message = `${where} selects by ${keys.join(', ')}, by which a tool finds its own objects, so a copy must not carry it.`;
  return [unsafe(where, message, 'Select by other labels, for example app.kubernetes.io/name.')];
};

/** A selector that needs a label which is never copied. */
export const trackingFindings = (
  survey: Survey,
  stable: Deployment,
  service: KubeObject | null,
): readonly Finding[] => {
  const { namespace } = survey.request;
  const ofService =
    service === null ? [] : trackingOf(`Service ${namespace}/${service.metadata.name}`, serviceSelector(service));
  return [...trackingOf(`Deployment ${namespace}/${stable.name}`, stable.selector), ...ofService];
};

/** Existing pods and Deployments that the canary's selectors would take for the canary's. */
export const strangerFindings = (
  survey: Survey,
  stable: Deployment,
  service: KubeObject | null,
  relabel: Labels,
): readonly Finding[] => {
  const isCopied = service !== null && survey.request.unit === 'requests';
  const selectors: readonly LabelSelector[] = [
    canaryDeploymentSelector(stable, relabel),
    ...(isCopied ? [{ matchLabels: canaryServiceSelector(service, relabel), matchExpressions: [] }] : []),
  ];
  const { deployments, pods } = othersOf(survey, service);
  const found = [
    ...deployments.map(({ name, labels }) => ({ what: `Deployment ${name}`, labels })),
    ...pods.map(({ metadata }) => ({ what: `pod ${metadata.name}`, labels: metadata.labels ?? {} })),
  ].find(({ labels }) => selectors.some((selector) => matches(selector, labels)));
  if (found === undefined) return [];
  return [
    unsafe(
      `Deployment ${survey.request.namespace}/${survey.canaryDeployment}`,
      `The canary's selector would also select ${found.what}, which is not the canary's.`,
      'Remove it, or give it other labels.',
    ),
  ];
};
