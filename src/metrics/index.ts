import type { Permission } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import type { PrometheusSpec, SourcesSpec } from '../core/spec.ts';

export { createSources } from './sources.ts';

/** Where metrics may come from, for tables and error texts; by the input that names it. */
export const METRIC_SOURCES = [
  { name: 'prometheus', title: 'Prometheus and what speaks its query API: Thanos, Mimir, VictoriaMetrics' },
  { name: 'scrape', title: "the app's pods themselves, every second: sees a new pod at once, has no history" },
  { name: 'scrape-router', title: "the router's pods themselves, every second: sees failures that the app never saw" },
] as const;

/** Rights in the cluster that the sources need: none for a URL. Those without a namespace are in the rollout's. */
export const sourcePermissions = ({ prometheus, scrape, scrapeRouter }: SourcesSpec): readonly Permission[] => [
  ...(prometheus === null ? [] : ofPrometheus(prometheus)),
  ...(scrape === null ? [] : [listPods(), proxyPods()]),
  ...(scrapeRouter === null
    ? []
    : [listPods, proxyPods, readService].map((permission) => ({ ...permission(), namespace: scrapeRouter.namespace }))),
];

const ofPrometheus = ({ address }: PrometheusSpec): readonly Permission[] =>
  address.kind === 'url'
    ? []
    : [
        {
          group: '',
          resource: 'services/proxy',
          verbs: ['get'],
          why: 'ask Prometheus through the API server',
          namespace: address.namespace,
        },
      ];

const listPods = (): Permission => ({ group: '', resource: 'pods', verbs: ['list'], why: 'find the pods to read' });

const readService = (): Permission => ({
  group: '',
  resource: 'services',
  verbs: ['get'],
  why: "find the router's pods",
});

/** Not needed where the runner reaches the pods' own addresses, which only the check can tell. */
const proxyPods = (): Permission => ({
  group: '',
  resource: 'pods/proxy',
  verbs: [],
  optional: ['get'],
  why: "read the pods' own metrics through the API server; it reaches every GET on every port of the namespace's pods",
});

/** What a plan says about sources whose rights reach further than their use. */
export const sourceNotices = (sources: SourcesSpec, namespace: string): readonly Finding[] => [
  ...(sources.scrape === null ? [] : [farRight('scrape', namespace)]),
  ...(sources.scrapeRouter === null ? [] : [farRight('scrape-router', sources.scrapeRouter.namespace)]),
];

const farRight = (where: 'scrape' | 'scrape-router', namespace: string): Finding => ({
  severity: 'warning',
  code: 'metrics-unreachable',
  message: `Where the runner does not reach the pods' own addresses, their metrics are read with the right to \`get\` \`pods/proxy\`. That right reaches every GET on every port of every pod in the namespace ${namespace}; only the configured port and path are read.`,
  where,
  advice: 'Give it to an identity that nothing else uses, or run where the addresses of pods can be reached.',
});
