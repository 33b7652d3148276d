import { type KubeObject, listRef, objectRef, POD, refKey, SERVICE } from '../../core/objects.ts';
import type { RouterScrapeSpec, ScrapeSpec } from '../../core/spec.ts';
import type { CallResult, Cluster } from '../../ports/cluster.ts';
import { BYTES_PER_SECOND } from './budget.ts';
import { createPodSource, type PodSet, type PodSource, type PodSourceOptions } from './pod-source.ts';

export type ScrapeOptions = Pick<PodSourceOptions, 'http' | 'clock'> & {
  readonly cluster: Pick<Cluster, 'list' | 'read' | 'podProxy'>;
  /** This source's part of what is read from pods in a second; all of it when left out. */
  readonly bytesPerSecond?: number;
};

/** The pods of each arm, at a port and path of theirs. */
export const createScrape = (options: ScrapeOptions & { readonly spec: ScrapeSpec }): PodSource => {
  const { cluster, bytesPerSecond = BYTES_PER_SECOND } = options;
  return createPodSource({
    ...options,
    name: 'scrape',
    whose: "stable's pods",
    podsOf: ({ pods }) => ({ key: refKey(pods), list: (signal) => cluster.list(pods, signal) }),
    bytesPerSecond: bytesPerSecond / 2,
  });
};

/**
 * The pods behind a router's Service. Both arms' counters are on each of them: the selectors of a query tell the arms
 * apart, by the labels that the router itself writes. Those called `namespace` or `pod` are `exported_…` here.
 */
export const createRouterScrape = (options: ScrapeOptions & { readonly spec: RouterScrapeSpec }): PodSource => {
  const { cluster, bytesPerSecond = BYTES_PER_SECOND, spec } = options;
  const pods = { key: 'router', list: podsBehind(cluster, spec) };
  return createPodSource({
    ...options,
    spec: { kind: 'port', port: spec.port, path: spec.path },
    name: 'scrape-router',
    whose: `the pods behind Service ${spec.namespace}/${spec.service}`,
    podsOf: () => pods,
    bytesPerSecond,
  });
};

/** A Service without a selector has no pods that could be named. */
const podsBehind = (cluster: ScrapeOptions['cluster'], { namespace, service }: RouterScrapeSpec): PodSet['list'] => {
  let selector: string | null = null;
  return async (signal): Promise<CallResult<readonly KubeObject[]>> => {
    if (selector === null) {
      const read = await cluster.read(objectRef(SERVICE, namespace, service), signal);
      if (read.kind !== 'ok') return read;
      selector = selectorOf(read.value);
    }
    if (selector === null || selector === '')
      return { kind: 'invalid', message: `Service ${namespace}/${service} has no selector`, causes: [] };
    return cluster.list(listRef(POD, namespace, selector), signal);
  };
};

const selectorOf = ({ spec }: KubeObject): string | null => {
  const selector: unknown = typeof spec === 'object' && spec !== null && 'selector' in spec ? spec.selector : null;
  if (typeof selector !== 'object' || selector === null) return null;
  return Object.entries(selector)
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
};
