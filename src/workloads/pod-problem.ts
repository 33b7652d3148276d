import type { KubeObject } from '../core/objects.ts';
import { countOf, type Fields, fieldsOf, textOf } from '../core/shape.ts';
import { items, plain } from './shape.ts';

/** Waiting reasons of a pod that is on its way. */
const STARTING = new Set(['ContainerCreating', 'PodInitializing']);

interface Trouble {
  /** The higher, the more it explains. */
  readonly rank: number;
  readonly words: string;
}

const reasonAndMessage = (state: Fields): string =>
  [textOf(state['reason']), textOf(state['message'])].filter((part) => part !== null && part !== '').join(': ');

const lastState = (status: Fields): string => {
  const terminated = fieldsOf(fieldsOf(status['lastState'])['terminated']);
  const code = countOf(terminated['exitCode']);
  const restarts = countOf(status['restartCount']) ?? 0;
  const how = reasonAndMessage(terminated);
  const ended = code === null ? [] : [`last exit code ${code}${how === '' ? '' : ` (${how})`}`];
  return [...ended, ...(restarts === 0 ? [] : [`${restarts} restart${restarts === 1 ? '' : 's'}`])].join(', ');
};

const containerTrouble = (status: Fields): Trouble | null => {
  const name = textOf(status['name']) ?? '?';
  const state = fieldsOf(status['state']);
  const waiting = fieldsOf(state['waiting']);
  const terminated = fieldsOf(state['terminated']);
  const last = lastState(status);
  const after = last === '' ? '' : `; ${last}`;
  const reason = textOf(waiting['reason']);
  if (reason !== null) {
    return { rank: STARTING.has(reason) ? 1 : 5, words: `container ${name}: ${reasonAndMessage(waiting)}${after}` };
  }
  const code = countOf(terminated['exitCode']);
  if (code !== null && code !== 0) {
    const how = reasonAndMessage(terminated);
    return { rank: 5, words: `container ${name}: exit code ${code}${how === '' ? '' : ` (${how})`}${after}` };
  }
  if (status['ready'] === true || state['running'] === undefined) return null;
  return { rank: last === '' ? 2 : 4, words: `container ${name}: running, not ready${after}` };
};

const condition = (pod: KubeObject, type: string): Fields | null =>
  items(fieldsOf(pod['status'])['conditions']).find((one) => one['type'] === type) ?? null;

const podTrouble = (pod: KubeObject): Trouble => {
  const status = fieldsOf(pod['status']);
  const scheduled = condition(pod, 'PodScheduled');
  const containers = [...items(status['initContainerStatuses']), ...items(status['containerStatuses'])]
    .map(containerTrouble)
    .filter((trouble) => trouble !== null);
  const conditions = [
    scheduled?.['status'] === 'False' ? { rank: 4, words: reasonAndMessage(scheduled) } : null,
    // A pod that was evicted or refused by its node.
    status['phase'] === 'Failed' ? { rank: 4, words: reasonAndMessage(status) || 'Failed' } : null,
    { rank: 1.5, words: reasonAndMessage(condition(pod, 'Ready') ?? {}) },
  ].filter((trouble) => trouble !== null);
  const worst = [...containers, ...conditions]
    .filter(({ words }) => words !== '')
    .reduce<Trouble>((most, one) => (one.rank > most.rank ? one : most), { rank: 0, words: 'not ready' });
  return { rank: worst.rank, words: `pod ${pod.metadata.name}: ${worst.words}` };
};

export const isReady = (pod: KubeObject): boolean => condition(pod, 'Ready')?.['status'] === 'True';

/**
 * What keeps the worst of these pods from being ready, in words: waiting reason and message, last exit code, restarts,
 * why it is not scheduled. null when all are ready. Hostile text, one line, at most 300 characters.
 */
export const worstPod = (pods: readonly KubeObject[]): string | null => {
  const worst = pods
    .filter((pod) => pod.metadata.deletionTimestamp === undefined && !isReady(pod))
    .map(podTrouble)
    .reduce<Trouble | null>((most, one) => (most === null || one.rank > most.rank ? one : most), null);
  return worst === null ? null : plain(worst.words);
};
