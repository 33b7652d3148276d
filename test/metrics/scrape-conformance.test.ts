import type { Arm } from '../../src/core/units.ts';
import { createRouterScrape, createScrape } from '../../src/metrics/scrape/index.ts';
import { createSources } from '../../src/metrics/sources.ts';
import type { MetricSource } from '../../src/ports/metric-source.ts';
import { type ScrapeSubject, type Shown, scrapeSourceConformance } from '../conformance/scrape-source.ts';
import { counted, latency, measured, NOW, type PodWorld, podNamed, podsOf, podWorld } from './pods.ts';

const APP = { kind: 'port', port: '9102', path: '/metrics' } as const;
const ROUTER = { namespace: 'ingress', service: 'web', port: '9102', path: '/metrics' } as const;
const SERVICE = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'ingress' },
  spec: { selector: { app: 'web' } },
};

/** Histogram and counter of one version, with labels of its own. */
const textOf = (shown: Shown[Arm], labels: string): string =>
  Object.entries(shown)
    .flatMap(([code, count]) => [
      `requests_total{${labels}code="${code}"} ${count}\n`,
      `latency_seconds_bucket{${labels}code="${code}",le="0.5"} ${count}\n`,
      `latency_seconds_bucket{${labels}code="${code}",le="+Inf"} ${count}\n`,
    ])
    .join('');

const subjectOf = (
  world: PodWorld,
  source: MetricSource,
  pods: Readonly<Record<string, (shown: Shown) => string>>,
  own: (arm: Arm) => string,
): ScrapeSubject => {
  let now = NOW;
  const of = (arm: Arm) => ({ arm, pods: podsOf(arm) });
  return {
    source,
    counted: (arm) =>
      counted({
        ...of(arm),
        requests: `requests_total{${own(arm)}}`,
        failures: `requests_total{${own(arm)}code=~"5.."}`,
      }),
    latency: (arm) => latency({ ...of(arm), histogram: `latency_seconds_bucket{${own(arm)}}` }),
    measured,
    unknown: counted({ metric: 'unknown', requests: 'nothing_total', failures: 'nothing_total' }),
    show: (shown) => {
      for (const [name, text] of Object.entries(pods)) {
        if (shown === null) world.pages.delete(name);
        else world.pages.set(name, text(shown));
      }
    },
    answer: (text) => {
      for (const name of Object.keys(pods)) world.pages.set(name, text);
    },
    pass: (ms) => {
      now += ms;
      world.at(now);
    },
    now: () => now,
  };
};

const appWorld = (): PodWorld => podWorld([podNamed('s-1'), podNamed('c-1', { app: 'canary' })]);
const APP_PODS = {
  's-1': (shown: Shown) => textOf(shown.stable, ''),
  'c-1': (shown: Shown) => textOf(shown.canary, ''),
};

const routerWorld = (): PodWorld => podWorld([SERVICE, podNamed('web-1', { namespace: 'ingress', app: 'web' })]);
const ofArm = (arm: Arm): string => `service="${arm}",`;
const ROUTER_PODS = {
  'web-1': ({ stable, canary }: Shown) => `${textOf(stable, ofArm('stable'))}${textOf(canary, ofArm('canary'))}`,
};

scrapeSourceConformance("the app's pods", () => {
  const world = appWorld();
  return subjectOf(world, createScrape({ ...world, spec: APP }), APP_PODS, () => '');
});

scrapeSourceConformance("the router's pods", () => {
  const world = routerWorld();
  return subjectOf(world, createRouterScrape({ ...world, spec: ROUTER }), ROUTER_PODS, ofArm);
});

scrapeSourceConformance('one of several sources', () => {
  const world = appWorld();
  const source = createSources({ prometheus: null, scrape: APP, scrapeRouter: null }, world);
  if (source === null) throw new Error('a source was named');
  return subjectOf(world, source, APP_PODS, () => '');
});
