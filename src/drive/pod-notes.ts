import { type KubeObject, objectRef, POD } from '../core/objects.ts';
import type { Plan } from '../core/plan.ts';
import { fieldsOf, listOf, textOf } from '../core/shape.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { PodNote } from '../ports/reporter.ts';
import type { DriveContext } from './context.ts';
import { readAll } from './read.ts';

const MOST_PODS = 3;
const MOST_LINES = 20;
const DEADLINE_MS = 5_000;

interface ContainerState {
  readonly name: string;
  readonly restarts: number;
  readonly text: string;
}

/** The canary's pods in their own words, taken before they are removed. Never throws: without an answer there is no note. */
export const notePods = async (context: DriveContext, plan: Plan): Promise<readonly PodNote[]> => {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    const read = await readAll(context.cluster, context.workload.reads(plan.target, true), signal);
    if (read.kind === 'failed') return [];
    return await notesOf(context.cluster, context.workload.pods(read.seen, plan.target, 'canary'), signal);
  } catch {
    return [];
  }
};

/** Of the first of them. */
export const notesOf = (
  cluster: Cluster,
  pods: readonly KubeObject[],
  signal: AbortSignal,
): Promise<readonly PodNote[]> => Promise.all(pods.slice(0, MOST_PODS).map((pod) => notePod(cluster, pod, signal)));

const notePod = async (cluster: Cluster, pod: KubeObject, signal: AbortSignal): Promise<PodNote> => {
  const states = statesOf(pod);
  const worst = states.find(({ text }) => text !== 'ready') ?? states[0];
  const note = {
    pod: pod.metadata.name,
    state: states.map(({ name, text, restarts }) => `${name}: ${text}, ${restarts} restarts`).join('; '),
  };
  if (worst === undefined) return { ...note, lines: [] };
  const ref = objectRef(POD, pod.metadata.namespace ?? '', pod.metadata.name);
  const logs = await cluster.logs(ref, worst.name, MOST_LINES, worst.restarts > 0 && worst.text !== 'ready', signal);
  const lines =
    logs.kind === 'ok'
      ? logs.value
          .split(/\r?\n/)
          .filter((line) => line.trim() !== '')
          .slice(-MOST_LINES)
      : [];
  return { ...note, lines };
};

const statesOf = (pod: KubeObject): readonly ContainerState[] =>
  listOf(fieldsOf(pod['status'])['containerStatuses']).map((entry) => {
    const status = fieldsOf(entry);
    const waiting = fieldsOf(fieldsOf(status['state'])['waiting']);
    const last = fieldsOf(fieldsOf(status['lastState'])['terminated']);
    const text = status['ready'] === true ? 'ready' : (textOf(waiting['reason']) ?? 'not ready');
    const exit =
      typeof last['exitCode'] === 'number'
        ? ` (last exit ${last['exitCode']}${textOf(last['reason']) === null ? '' : `, ${textOf(last['reason'])}`})`
        : '';
    return {
      name: textOf(status['name']) ?? '',
      restarts: typeof status['restartCount'] === 'number' ? status['restartCount'] : 0,
      text: `${text}${exit}`,
    };
  });
