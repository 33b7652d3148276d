import type { Permission } from '../core/objects.ts';
import type { PrometheusSpec } from '../core/spec.ts';
import { createPrometheus } from './prometheus.ts';

/** Where metrics may come from, for tables, error texts and the conformance suite. */
export const METRIC_SOURCES = [
  {
    name: 'prometheus',
    title: 'Prometheus and what speaks its query API: Thanos, Mimir, VictoriaMetrics',
    create: createPrometheus,
  },
] as const;

/** Rights in the cluster that a source needs: none for a URL. */
export const sourcePermissions = ({ address }: PrometheusSpec): readonly Permission[] =>
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
