import { behaviourOf, imageIdOf } from './behaviour.ts';
import type { Context } from './context.ts';
import { later, PODS, timestamp } from './context.ts';
import type { Condition, Container, Json, KubeObject, PodTemplate } from './objects.ts';
import { asJson, viewSpec, viewStatus } from './objects.ts';
import { find, remove, update } from './store.ts';

export interface PodStatus {
  phase: string;
  podIP: string;
  conditions: Condition[];
}

export const isReady = (pod: KubeObject): boolean =>
  viewStatus<PodStatus>(pod).conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

/** The addresses of pods: `next` is the number of the next one. */
export interface Addresses {
  next: number;
}

const address = (number: number): string => `10.244.${Math.floor(number / 250) % 250}.${(number % 250) + 1}`;

const firstImage = (pod: KubeObject): string => viewSpec<PodTemplate['spec']>(pod).containers[0]?.image ?? '';

/** A pod behaves as its worst container: any image can keep it from starting. */
export const podBehaviour = (pod: KubeObject): ReturnType<typeof behaviourOf> => {
  const annotations = pod.metadata.annotations ?? {};
  const all = viewSpec<PodTemplate['spec']>(pod).containers.map(({ image }) => behaviourOf(image, annotations));
  const stuck = all.find(({ start }) => start !== 'ready');
  const first = all[0] ?? behaviourOf(firstImage(pod), annotations);
  return { ...first, start: stuck?.start ?? 'ready' };
};

const waiting = (reason: string, message: string): Json => ({ waiting: { reason, message } });

const containerStatus = (container: Container, kind: string, imageId: string, startedAt: string): Json => {
  const { name, image } = container;
  const running: Json = { running: { startedAt } };
  const base = { name, image, imageID: imageId, restartCount: 0, ready: false, started: false };
  switch (kind) {
    case 'creating':
      return { ...base, imageID: '', state: { waiting: { reason: 'ContainerCreating' } } };
    case 'crash':
      return {
        ...base,
        restartCount: 3,
        state: waiting('CrashLoopBackOff', `back-off 40s restarting failed container=${name}`),
        lastState: { terminated: { exitCode: 1, reason: 'Error', startedAt, finishedAt: startedAt } },
      };
    case 'missing':
      return {
        ...base,
        imageID: '',
        state: waiting('ImagePullBackOff', `Back-off pulling image "${image}": not found`),
      };
    default:
      return { ...base, ready: kind === 'ready', started: true, state: running };
  }
};

const kindOf = (container: Container, pod: KubeObject, phase: 'creating' | 'started'): string =>
  phase === 'creating' ? 'creating' : behaviourOf(container.image, pod.metadata.annotations).start;

const statusOf = (
  pod: KubeObject,
  ip: string,
  phase: 'creating' | 'started',
  images: ReadonlyMap<string, string>,
): Json => {
  const now = timestamp();
  const { containers } = viewSpec<PodTemplate['spec']>(pod);
  const kinds = containers.map((container) => kindOf(container, pod, phase));
  const ready = phase === 'started' && kinds.every((kind) => kind === 'ready');
  const condition = (type: string, holds: boolean): object => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: now,
    ...(!holds && {
      reason: 'ContainersNotReady',
      message: `containers with unready status: [${containers.map(({ name }) => name).join(' ')}]`,
    }),
  });
  return asJson({
    phase: kinds.some((kind) => kind === 'ready' || kind === 'never-ready') ? 'Running' : 'Pending',
    hostIP: '10.244.255.254',
    podIP: ip,
    podIPs: [{ ip }],
    startTime: now,
    qosClass: 'BestEffort',
    conditions: [
      { type: 'PodScheduled', status: 'True', lastTransitionTime: now },
      { type: 'Initialized', status: 'True', lastTransitionTime: now },
      condition('ContainersReady', ready),
      condition('Ready', ready),
    ],
    containerStatuses: containers.map((container, index) =>
      containerStatus(container, kinds[index] ?? 'creating', imageIdOf(container.image, images), now),
    ),
  });
};

const current = (context: Context, pod: KubeObject): KubeObject | null => {
  const now = find(context.store, PODS, pod.metadata.namespace ?? '', pod.metadata.name);
  return now !== undefined && now.metadata.uid === pod.metadata.uid ? now : null;
};

const report = (context: Context, pod: KubeObject, status: Json): void => {
  const now = current(context, pod);
  if (now) update(context.store, PODS, now, { ...now, status }, { statusOnly: true, manager: 'kubelet' });
};

/** Starts a pod that was put on a node. */
export const startPod = (
  context: Context,
  addresses: Addresses,
  images: ReadonlyMap<string, string>,
  pod: KubeObject,
): void => {
  const ip = address(addresses.next);
  addresses.next += 1;
  const { startDelayMs } = podBehaviour(pod);
  report(context, pod, statusOf(pod, ip, 'creating', images));
  later(context, startDelayMs ?? context.pace.startDelayMs, () => {
    if (current(context, pod)?.metadata.deletionTimestamp === undefined)
      report(context, pod, statusOf(pod, ip, 'started', images));
  });
};

interface Restartable {
  readonly restartCount: number;
  readonly state: { readonly running?: { readonly startedAt: string } };
}

/** The containers of a running pod end and start anew in it: the pod stays what it is. */
export const restartContainers = (context: Context, pod: KubeObject): void => {
  const now = timestamp();
  const status = viewStatus<{ containerStatuses: readonly Restartable[] }>(pod);
  const containerStatuses = (status.containerStatuses ?? []).map((container) => ({
    ...container,
    restartCount: container.restartCount + 1,
    state: { running: { startedAt: now } },
    lastState: { terminated: { exitCode: 1, reason: 'Error', ...container.state.running, finishedAt: now } },
  }));
  report(context, pod, asJson({ ...status, containerStatuses }));
};

/** Ends a pod that is marked for deletion: its process answers until then. */
export const stopPod = (context: Context, pod: KubeObject): void => {
  const { stopDelayMs } = podBehaviour(pod);
  later(context, stopDelayMs ?? context.pace.stopDelayMs, () => {
    const now = current(context, pod);
    if (now) remove(context.store, PODS, now, { gracePeriodSeconds: 0 });
  });
};
