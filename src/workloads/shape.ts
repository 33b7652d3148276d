import type { KubeObject } from '../core/objects.ts';
import { countOf, type Fields, fieldsOf, isFields, listOf, textOf } from '../core/shape.ts';
import type { Json } from '../core/units.ts';

/** The objects of a list; what is none reads as an empty one. */
export const items = (value: unknown): readonly Fields[] => listOf(value).map(fieldsOf);

/** A map of strings; entries of another type are left out. */
export const texts = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(fieldsOf(value)).filter((entry): entry is [string, string] => textOf(entry[1]) !== null),
  );

/** The value as JSON, `undefined` members left out. */
export const toJson = (value: unknown): Json => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (!isFields(value)) return null;
  const known = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(known.map(([name, member]) => [name, toJson(member)]));
};

/** The fields without the named ones. */
export const without = (value: Fields, names: ReadonlySet<string>): Fields =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.has(name)));

/** Hostile text fit for one line of a message: no control or format characters, at most 300 characters. Not escaped. */
export const plain = (hostile: string): string => {
  const line = [...hostile.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()];
  return line.length <= 300 ? line.join('') : `${line.slice(0, 299).join('')}…`;
};

export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly list: 'containers' | 'initContainers';
  readonly index: number;
}

/** What the rollout needs of a Deployment. Counts that the API server omits are 0; `replicas` is 1 as it defaults. */
export interface Deployment {
  readonly object: KubeObject;
  readonly name: string;
  readonly uid: string;
  readonly replicas: number;
  readonly paused: boolean;
  readonly selector: LabelSelector;
  readonly template: Fields;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly Container[];
  readonly strategy: Fields;
  readonly status: DeploymentStatus;
}

export interface DeploymentStatus {
  /** The controller has seen the current generation: the counts below are about it. */
  readonly observed: boolean;
  /** Pods that are not terminating, of all templates. */
  readonly replicas: number;
  /** Pods of the current template. */
  readonly updated: number;
  readonly ready: number;
  /** Ready for `minReadySeconds`. */
  readonly available: number;
  readonly conditions: readonly Fields[];
}

/** A label selector as the API has it; what has another shape reads as absent, and so matches more. */
export const selectorOf = (value: unknown): LabelSelector => ({
  matchLabels: texts(fieldsOf(value)['matchLabels']),
  matchExpressions: items(fieldsOf(value)['matchExpressions']).map((expression) => ({
    key: textOf(expression['key']) ?? '',
    operator: textOf(expression['operator']) ?? '',
    values: Array.isArray(expression['values']) ? expression['values'].filter((one) => typeof one === 'string') : [],
  })),
});

/** Containers in the order of the template, and then its init containers: names are unique over both. */
export const containersOf = (podSpec: Fields): readonly Container[] =>
  (['containers', 'initContainers'] as const).flatMap((list) =>
    items(podSpec[list]).map((container, index) => ({
      name: textOf(container['name']) ?? '',
      image: textOf(container['image']) ?? '',
      list,
      index,
    })),
  );

const statusOf = (object: KubeObject): DeploymentStatus => {
  const status = fieldsOf(object['status']);
  return {
    observed: (countOf(status['observedGeneration']) ?? 0) >= (object.metadata.generation ?? 0),
    replicas: countOf(status['replicas']) ?? 0,
    updated: countOf(status['updatedReplicas']) ?? 0,
    ready: countOf(status['readyReplicas']) ?? 0,
    available: countOf(status['availableReplicas']) ?? 0,
    conditions: items(status['conditions']),
  };
};

export const deploymentOf = (object: KubeObject): Deployment => {
  const spec = fieldsOf(object['spec']);
  const template = fieldsOf(spec['template']);
  return {
    object,
    name: object.metadata.name,
    uid: object.metadata.uid ?? '',
    replicas: countOf(spec['replicas']) ?? 1,
    paused: spec['paused'] === true,
    selector: selectorOf(spec['selector']),
    template,
    labels: texts(fieldsOf(template['metadata'])['labels']),
    containers: containersOf(fieldsOf(template['spec'])),
    strategy: fieldsOf(spec['strategy']),
    status: statusOf(object),
  };
};

/** The message of a Deployment condition that has this status; null when it has another or none. */
export const conditionMessage = (
  status: DeploymentStatus,
  type: string,
  value: 'True' | 'False',
  reason: string | null = null,
): string | null => {
  const condition = status.conditions.find((one) => one['type'] === type && one['status'] === value);
  if (condition === undefined || (reason !== null && condition['reason'] !== reason)) return null;
  return textOf(condition['message']) ?? textOf(condition['reason']) ?? '';
};

/** Every pod is of the current template, ready and available; none of an older one is left, terminating ones excepted. */
export const isRolledOut = ({ replicas, status }: Deployment): boolean =>
  status.observed &&
  status.updated === replicas &&
  status.replicas === replicas &&
  status.ready === replicas &&
  status.available === replicas;
