import type { AskedMetric } from '../core/spec.ts';
import type { Ms } from '../core/units.ts';
import { formatDuration } from './durations.ts';
import { readEvidenceLimits } from './evidence-limits.ts';
import { readMeasuredLimits } from './measured-limits.ts';
import { fieldsOf, type MetricFields } from './metric-fields.ts';
import { kindOf } from './metric-kinds.ts';
import { metricNameOf, type PromqlUse, promqlProblems, tellsArmsApart } from './promql.ts';
import { REPLICA_LABELS_DEFAULT, readReplicaLabels } from './replica-labels.ts';
import { METRIC_KEYS } from './shape.ts';
import { entryOf, type MapTree, type Place, type Report, type Reports, type Tree } from './tree.ts';
import { below, quote, suggestion } from './words.ts';

const LONGEST_NAME = 80;
const LONGEST_UNIT = 16;
const AUTO = 'auto';

/** A metric that is measured less often than a weight is held may let a weight pass unmeasured. */
export const warnOfRare = (metrics: readonly AskedMetric[], intervalMs: Ms, warn: Reports['warn']): void => {
  for (const metric of metrics) {
    if (metric.kind !== 'measured' || metric.everyMs <= intervalMs) continue;
    const [every, interval] = [formatDuration(metric.everyMs), formatDuration(intervalMs)];
    warn(`metric ${quote(metric.name)} is measured every \`${every}\`, but a weight is held for \`${interval}\` only`);
  }
};

/** The metrics of a list, or null after reporting every mistake. `presets`: the names that `preset` takes. */
export const readMetrics = (
  tree: Tree,
  presets: readonly string[],
  reports: Reports,
): readonly AskedMetric[] | null => {
  if (tree.kind !== 'list') return null;
  const metrics: AskedMetric[] = [];
  const names = new Map<string, Place>();
  for (const item of tree.items) {
    if (item.kind !== 'map') continue;
    const metric = readMetric(item, { names, presets }, reports);
    if (metric !== null) metrics.push(metric);
  }
  return metrics.length === tree.items.length ? metrics : null;
};

/** Unknown keys of a map, by the keys that it may have. */
export const reportKeys = (tree: MapTree, known: readonly string[], report: Report): void => {
  for (const { key, place } of tree.entries) {
    if (!known.includes(key))
      report(place, `unknown key ${quote(key)} in \`${tree.place.path}\`${suggestion(key, known)}`);
  }
};

interface Known {
  /** The names so far, and where. */
  readonly names: Map<string, Place>;
  readonly presets: readonly string[];
}

const readMetric = (tree: MapTree, known: Known, reports: Reports): AskedMetric | null => {
  let sound = true;
  const report: Report = (place, message) => {
    sound = false;
    reports.report(place, message);
  };
  const fields = fieldsOf(tree, report, reports.broken, () => {
    sound = false;
  });
  reportKeys(tree, METRIC_KEYS, report);
  const kind = kindOf(tree, report);
  const name = readName(fields, known.names);
  const metric = kind === null ? null : metricOf(kind, { name: name ?? '', ...commonOf(fields, reports) }, fields);
  if (metric?.kind === 'preset') reportPreset(fields, known.presets);
  if (!sound || name === null || metric === null) return null;
  warnOfSelectors(metric, reports.warn);
  return metric;
};

type Common = Pick<AskedMetric, 'name' | 'onNoData' | 'dryRun' | 'replicaLabels'>;

const commonOf = ({ tree, scalar, report }: MetricFields, { broken }: Reports): Omit<Common, 'name'> => {
  const labels = entryOf(tree, 'replica-labels')?.value;
  const noData = scalar('on-no-data')?.text;
  const isSound = labels !== undefined && !broken(labels.place.path);
  return {
    onNoData: noData === 'fail' || noData === 'ignore' ? noData : 'wait',
    dryRun: scalar('dry-run')?.value === true,
    replicaLabels: isSound ? readReplicaLabels(labels, report) : REPLICA_LABELS_DEFAULT,
  };
};

/** What is wrong in it is reported: it is of use only where nothing was. */
const metricOf = (kind: AskedMetric['kind'], common: Common, fields: MetricFields): AskedMetric => {
  const query = (key: string, use: PromqlUse): string => readQuery(fields, key, use);
  switch (kind) {
    case 'counted': {
      const selectors = { requests: query('requests', 'counter'), failures: query('failures', 'counter') };
      return { kind, ...common, ...selectors, ...readEvidenceLimits(fields) };
    }
    case 'latency': {
      const histogram = query('histogram', 'histogram');
      reportBoundless(fields);
      const bound = fields.number('bound');
      return { kind, ...common, histogram, bound, unit: readUnit(fields), ...readEvidenceLimits(fields) };
    }
    case 'measured':
      return {
        kind,
        ...common,
        query: query('query', 'expression'),
        unit: readUnit(fields),
        ...readMeasuredLimits(fields),
      };
    case 'preset': {
      const preset = fields.scalar('preset')?.text.trim() ?? '';
      return { kind, ...common, preset, bound: fields.number('bound'), ...readEvidenceLimits(fields) };
    }
  }
};

/** A preset has a name already; every other metric is given one. */
const readName = ({ tree, scalar, report }: MetricFields, names: Map<string, Place>): string | null => {
  const given = scalar('name');
  if (given === null && entryOf(tree, 'name') !== null) return null;
  const source = given ?? scalar('preset');
  if (source === null) {
    if (entryOf(tree, 'preset') === null)
      report({ ...tree.place, path: below(tree.place.path, 'name') }, '`name` is missing');
    return null;
  }
  const name = source.text.trim();
  const first = names.get(name);
  if (given !== null && name === '') report(given.place, 'the name is empty');
  else if (name.length > LONGEST_NAME || /\p{Cc}/u.test(name))
    report(source.place, `a name is one line of at most ${LONGEST_NAME} characters`);
  else if (first !== undefined)
    report(
      source.place,
      `two metrics are named ${quote(name)}; the first is ${quote(first.path)}${given === null ? '; give this one a `name`' : ''}`,
    );
  else {
    names.set(name, tree.place);
    return name;
  }
  return null;
};

const reportPreset = ({ scalar, report }: MetricFields, presets: readonly string[]): void => {
  const given = scalar('preset');
  const name = given?.text.trim() ?? '';
  const known = [AUTO, ...presets];
  if (given === null || known.includes(name)) return;
  const wrong = name === '' ? 'no preset is named' : `unknown preset ${quote(name)}`;
  report(given.place, `${wrong}${suggestion(name, known)}`);
};

/** Without a bound there is no single share of slow requests that a limit could be about. */
const reportBoundless = ({ tree, report }: MetricFields): void => {
  if (entryOf(tree, 'bound') !== null) return;
  for (const key of ['ceiling', 'floor', 'slo']) {
    const entry = entryOf(tree, key);
    if (entry !== null)
      report(entry.place, `\`${key}\` needs \`bound\` here: it is about the requests that take longer than that`);
  }
};

const readUnit = ({ scalar, report }: MetricFields): string | null => {
  const unit = scalar('unit');
  if (unit !== null && (unit.text.length > LONGEST_UNIT || /\p{Cc}/u.test(unit.text)))
    report(unit.place, `a unit is one line of at most ${LONGEST_UNIT} characters`);
  return unit === null || unit.text.trim() === '' ? null : unit.text.trim();
};

const readQuery = ({ scalar, report }: MetricFields, key: string, use: PromqlUse): string => {
  const given = scalar(key);
  if (given === null) return '';
  for (const { offset, message } of promqlProblems(given.text, use)) {
    const place = given.at(offset);
    // Where escapes or folding hide the place in the file, the place in the query is what helps.
    const hidden = offset > 0 && place.line === given.place.line && place.column === given.place.column;
    report(place, hidden ? `${message} (character ${offset + 1} of the query)` : message);
  }
  return given.text.trim();
};

const queriesOf = (metric: AskedMetric): readonly string[] => {
  switch (metric.kind) {
    case 'counted':
      return [metric.requests, metric.failures];
    case 'latency':
      return [metric.histogram];
    case 'measured':
      return [metric.query];
    case 'preset':
      return [];
  }
};

const warnOfSelectors = (metric: AskedMetric, warn: Reports['warn']): void => {
  if (!queriesOf(metric).every(tellsArmsApart))
    warn(
      `metric ${quote(metric.name)} reads the same for canary and stable: select by \`{{pods}}\`, \`{{deployment}}\`, \`{{service}}\` or \`{{arm}}\``,
    );
  const series = metric.kind === 'latency' ? metricNameOf(metric.histogram) : null;
  if (series !== null && !series.endsWith('_bucket'))
    warn(
      `metric ${quote(metric.name)}: \`histogram\` reads ${quote(series)}, which does not end in \`_bucket\` as the series of a classic histogram do`,
    );
};
