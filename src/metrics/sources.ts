import type { SourcesSpec } from '../core/spec.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Http } from '../ports/http.ts';
import type { MetricSource } from '../ports/metric-source.ts';
import { createPrometheus } from './prometheus.ts';
import { BYTES_PER_SECOND } from './scrape/budget.ts';
import { createRouterScrape, createScrape } from './scrape/index.ts';
import { sourceOfSeveral } from './several.ts';

export interface SourcesOptions {
  readonly http: Http;
  readonly cluster: Pick<Cluster, 'list' | 'read' | 'podProxy' | 'proxy'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Where the metrics of a rollout come from; null: no source is named. */
export const createSources = (
  { prometheus, scrape, scrapeRouter }: SourcesSpec,
  options: SourcesOptions,
): MetricSource | null => {
  const store = prometheus === null ? null : createPrometheus({ ...options, spec: prometheus });
  // Together they keep to the limit.
  const bytesPerSecond = scrape === null || scrapeRouter === null ? BYTES_PER_SECOND : BYTES_PER_SECOND / 2;
  const pods = [
    ...(scrape === null ? [] : [createScrape({ ...options, spec: scrape, bytesPerSecond })]),
    ...(scrapeRouter === null ? [] : [createRouterScrape({ ...options, spec: scrapeRouter, bytesPerSecond })]),
  ];
  return pods.length === 0 ? store : sourceOfSeveral(pods, store, options.clock);
};
