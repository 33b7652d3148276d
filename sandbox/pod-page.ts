import { viewStatus } from './cluster/objects.ts';
import type { PodPage } from './cluster/proxy.ts';
import type { Counters, Exposed } from './counters.ts';
import { expose } from './counters.ts';

/** Of the pods of the sandbox: where their users come in, and where the stack's farm has its metrics. */
export const METRICS_PORTS: readonly number[] = [8080, 9102];

/** The labels that the app itself knows; the others are of whoever scrapes it. */
const OWN = new Set(['code', 'status', 'version', 'le']);

const TYPES: readonly (readonly [family: string, type: string])[] = [
  ['http_requests_total', 'counter'],
  ['http_request_duration_seconds', 'histogram'],
];

const lineOf = ({ labels: { __name__: name, ...labels }, value }: Exposed): string => {
  const own = Object.entries(labels).filter(([label]) => OWN.has(label));
  return `${name}{${own.map(([label, text]) => `${label}=${JSON.stringify(text)}`).join(',')}} ${value}`;
};

/** `/metrics` of a pod in Prometheus' text format, from what users asked it. */
export const metricsPage =
  (counters: Counters): PodPage =>
  ({ metadata, ...pod }, port, path) => {
    if (!METRICS_PORTS.includes(port)) return null;
    if (!/^\/metrics(\?|$)/.test(path)) return 404;
    const exposed = expose(counters, metadata.uid ?? '');
    const families = TYPES.map(([family, type]) => [
      `# TYPE ${family} ${type}`,
      ...exposed.filter(({ labels }) => labels['__name__']?.startsWith(family) === true).map(lineOf),
    ]);
    const started = Date.parse(viewStatus<{ startTime: string }>({ metadata, ...pod }).startTime ?? '') / 1000;
    const process = ['# TYPE process_start_time_seconds gauge', `process_start_time_seconds ${started}`];
    return [...families.flat(), ...process, ''].join('\n');
  };
