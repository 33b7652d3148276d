import type { KubeObject } from '../core/objects.ts';
import { countOf, fieldsOf, textOf } from '../core/shape.ts';
import { items } from './shape.ts';

/** More pods than an arm has; a list beyond it is no reason to hold on to all of it. */
const MOST_PODS = 1000;
const LONGEST_UID = 64;
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]{8,18}Z$/;

/** RFC 3339 in UTC as the kubelet writes it; '' while no container of the pod runs. */
const newestStart = (statuses: ReturnType<typeof items>): string =>
  statuses
    .map((status) => textOf(fieldsOf(fieldsOf(status['state'])['running'])['startedAt']) ?? '')
    .filter((text) => TIME.test(text))
    .reduce((newest, text) => (text > newest ? text : newest), '');

const lifeOf = ({ metadata, status }: KubeObject): string => {
  const fields = fieldsOf(status);
  // A sidecar may be either, and counts the requests of its pod in a mesh.
  const statuses = [...items(fields['containerStatuses']), ...items(fields['initContainerStatuses'])];
  const restarts = statuses.reduce((sum, one) => sum + (countOf(one['restartCount']) ?? 0), 0);
  return `${(metadata.uid ?? '').slice(0, LONGEST_UID)}/${restarts}/${newestStart(statuses)}`;
};

/**
 * `uid/restarts/newest start` by pod name: another text means that a container of the pod began anew, and its counters with
 * it. Of the first 1000 pods; a name that every object has is left out.
 */
export const livesOf = (pods: readonly KubeObject[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    pods
      .filter(({ metadata }) => !(metadata.name in {}))
      .slice(0, MOST_PODS)
      .map((pod) => [pod.metadata.name, lifeOf(pod)]),
  );
