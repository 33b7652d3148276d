import type { SourcesSpec } from '../core/spec.ts';
import type { Result } from '../core/units.ts';
import { missing, type Reading, scalarOf, soundOf } from './fields.ts';
import type { Parts } from './parts.ts';
import { prometheusOf } from './prometheus.ts';
import { OFF, parseRouterScrape, parseScrape } from './scrape.ts';
import { entryOf } from './tree.ts';
import { listed } from './words.ts';

const POD_SOURCES = ['scrape', 'scrape-router'];

/** Where metrics come from; every mistake is reported. */
export const readSources = (reading: Reading): SourcesSpec => ({
  prometheus: prometheusOf(reading),
  scrape: parsed(reading, 'scrape', parseScrape),
  scrapeRouter: parsed(reading, 'scrape-router', parseRouterScrape),
});

/** For a command: an address without its headers or certificates would only be refused by the store, much later. */
export const soundSources = (reading: Reading): SourcesSpec => {
  let isSound = ['prometheus', 'prometheus-ca'].every(
    (name) => reading.given(name) === null || soundOf(reading, name) !== null,
  );
  const prometheus = prometheusOf({
    ...reading,
    report: (place, message) => {
      isSound = false;
      reading.report(place, message);
    },
  });
  return {
    prometheus: isSound ? prometheus : null,
    scrape: parsed(reading, 'scrape', parseScrape),
    scrapeRouter: parsed(reading, 'scrape-router', parseRouterScrape),
  };
};

const parsed = <Source>(
  reading: Reading,
  name: string,
  parse: (text: string) => Result<Source | null, string>,
): Source | null => {
  const tree = scalarOf(reading, name);
  const source = tree === null ? null : parse(tree.text.trim());
  if (tree !== null && source?.ok === false) reading.report(tree.place, source.problem);
  return source?.ok === true ? source.value : null;
};

/** Given, and not as `off`. What is wrong in its form counts: it was meant. */
const isAsked = (reading: Reading, name: string): boolean =>
  reading.given(name) !== null && scalarOf(reading, name)?.text.trim() !== OFF;

/** Every metric must have a source that can answer it. */
export const reportWithoutSource = (reading: Reading, metrics: Parts['metrics']): void => {
  warnOfUnread(reading, metrics);
  if (reading.given('metrics') === null || isAsked(reading, 'prometheus') || reading.unread('prometheus')) return;
  if (POD_SOURCES.some((name) => isAsked(reading, name) || reading.unread(name))) {
    reportQueries(reading);
    return;
  }
  const counts = metrics === null || metrics.length === 0 || metrics.some(({ kind }) => kind !== 'measured');
  const other = counts ? '; or `scrape`, which reads the pods themselves' : '';
  reading.report(
    missing('prometheus'),
    `\`prometheus\` is missing: \`metrics\` are given, so an address such as \`service://monitoring/prometheus:9090\` is needed${other}`,
  );
};

const reportQueries = (reading: Reading): void => {
  const list = reading.given('metrics')?.tree;
  for (const item of list?.kind === 'list' ? list.items : []) {
    const query = item.kind === 'map' ? entryOf(item, 'query') : null;
    if (query !== null)
      reading.report(
        query.place,
        '`query` needs `prometheus`, which is missing: pods have counters and histograms, but answer no PromQL',
      );
  }
};

/** Pods have nothing for a `query`, so that a source of pods alone is a misunderstanding or left over. */
const warnOfUnread = (reading: Reading, metrics: Parts['metrics']): void => {
  if (metrics === null || metrics.some(({ kind }) => kind !== 'measured')) return;
  if (reading.given('metrics') === null && reading.unread('metrics')) return;
  const useless = POD_SOURCES.filter((name) => isAsked(reading, name));
  if (useless.length === 0) return;
  reading.warn(
    `${listed(useless)} ${useless.length === 1 ? 'is' : 'are'} not used: counters and histograms are read from pods, and no metric has \`requests\`, \`histogram\` or \`preset\``,
  );
};
