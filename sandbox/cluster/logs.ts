import type { KubeObject, PodTemplate } from './objects.ts';
import { viewSpec } from './objects.ts';
import { badRequest } from './status.ts';

const CRASH_LOG = [
  'starting checkout',
  'reading /etc/checkout/config.yaml',
  'panic: DATABASE_URL is not set',
  'goroutine 1 [running]:',
  'main.main()',
].join('\n');

const textOf = (pod: KubeObject, container: string, image: string, previous: boolean): string => {
  const annotations = pod.metadata.annotations ?? {};
  const scripted = annotations[`sandbox/logs-${container}`] ?? annotations['sandbox/logs'];
  if (scripted !== undefined) return scripted;
  if (/:[^:/]*crash/.test(image)) return CRASH_LOG;
  if (previous)
    throw badRequest(`previous terminated container "${container}" in pod "${pod.metadata.name}" not found`);
  return `starting ${image}\nlistening on :8080`;
};

/** The log of one container: the annotation `sandbox/logs` (or `sandbox/logs-CONTAINER`), else what its image would say. */
export const podLog = (pod: KubeObject, query: URLSearchParams): string => {
  const { containers } = viewSpec<PodTemplate['spec']>(pod);
  const wanted = query.get('container');
  const names = containers.map(({ name }) => name);
  const { name } = pod.metadata;
  if (wanted === null && containers.length > 1)
    throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`);
  const container = containers.find((entry) => entry.name === (wanted ?? names[0]));
  if (container === undefined) throw badRequest(`container ${wanted} is not valid for pod ${name}`);
  if (/:[^:/]*missing/.test(container.image))
    throw badRequest(
      `container "${container.name}" in pod "${name}" is waiting to start: trying and failing to pull image`,
    );
  const lines = textOf(pod, container.name, container.image, query.get('previous') === 'true').split('\n');
  const tail = query.get('tailLines');
  return `${(tail === null ? lines : lines.slice(-Number(tail))).join('\n')}\n`;
};
