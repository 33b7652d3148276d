import type { MeasuredSpec, MetricSpec } from '../core/spec.ts';
import type { Ms } from '../core/units.ts';
import { formatDuration, parseDuration } from './durations.ts';
import { type PromqlUse, promqlProblems, tellsArmsApart } from './promql.ts';
import { increaseProblem, METRIC_KEYS } from './shape.ts';
import { entryOf, type MapTree, type Place, type Report, type ScalarTree, type Tree } from './tree.ts';
import { listed, quote, suggestion } from './words.ts';

const LATER_KEYS = [
  'preset',
  'ceiling',
  'floor',
  'slo',
  'burn-rate',
  'histogram',
  'bound',
  'failed-checks',
  'replica-labels',
];
const COUNTED_KEYS = ['requests', 'failures'];
const MEASURED_KEYS = ['query', 'min', 'max', 'max-increase', 'unit', 'failure-limit', 'every'];
const LONGEST_NAME = 80;
const LONGEST_UNIT = 16;
const EVERY_DEFAULT_MS = 10_000;
const SHORTEST_EVERY_MS = 1_000;

export interface Reports {
  readonly report: Report;
  readonly warn: (message: string) => void;
  /** Whether the shape of what stands at a path is wrong, which is reported already. */
  readonly broken: (path: string) => boolean;
}

/** A metric that is measured less often than a weight is held may let a weight pass unmeasured. */
export const warnOfRare = (metrics: readonly MetricSpec[], intervalMs: Ms, warn: Reports['warn']): void => {
  for (const metric of metrics) {
    if (metric.kind !== 'measured' || metric.everyMs <= intervalMs) continue;
    const [every, interval] = [formatDuration(metric.everyMs), formatDuration(intervalMs)];
    warn(`metric ${quote(metric.name)} is measured every \`${every}\`, but a weight is held for \`${interval}\` only`);
  }
};

/** The metrics of a list, or null after reporting every mistake. */
export const readMetrics = (tree: Tree, reports: Reports): readonly MetricSpec[] | null => {
  if (tree.kind !== 'list') return null;
  const metrics: MetricSpec[] = [];
  const names = new Map<string, Place>();
  for (const item of tree.items) {
    if (item.kind !== 'map') continue;
    const metric = readMetric(item, names, reports);
    if (metric !== null) metrics.push(metric);
  }
  return metrics.length === tree.items.length ? metrics : null;
};

/** Unknown keys of a map, by the keys that it may have and those that a later version will know. */
export const reportKeys = (tree: MapTree, known: readonly string[], later: readonly string[], report: Report): void => {
  for (const { key, place } of tree.entries) {
    if (later.includes(key)) report(place, `\`${key}\` is not in this version`);
    else if (!known.includes(key))
      report(place, `unknown key ${quote(key)} in \`${tree.place.path}\`${suggestion(key, known)}`);
  }
};

const readMetric = (tree: MapTree, names: Map<string, Place>, reports: Reports): MetricSpec | null => {
  let sound = true;
  const report: Report = (place, message) => {
    sound = false;
    reports.report(place, message);
  };
  reportKeys(tree, METRIC_KEYS, LATER_KEYS, report);
  const scalar = (key: string): ScalarTree | null => {
    const value = entryOf(tree, key)?.value;
    if (value === undefined) return null;
    if (value.kind === 'scalar' && !reports.broken(value.place.path)) return value;
    sound = false;
    return null;
  };
  const name = readName(tree, scalar('name'), names, report);
  const common = {
    name: name ?? '',
    onNoData: onNoData(scalar('on-no-data')?.text ?? 'wait'),
    dryRun: scalar('dry-run')?.value === true,
  };
  const kind = kindOf(tree, report);
  const requests = kind === 'counted' ? readQuery(scalar('requests'), 'selector', report) : '';
  const failures = kind === 'counted' ? readQuery(scalar('failures'), 'selector', report) : '';
  const query = kind === 'measured' ? readQuery(scalar('query'), 'expression', report) : '';
  const limits = kind === 'measured' ? readLimits(tree, scalar, report) : null;
  if (!sound || name === null) return null;
  const queries = [requests, failures, query].filter((one) => one !== '');
  if (!queries.every(tellsArmsApart)) {
    reports.warn(
      `metric ${quote(name)} reads the same for canary and stable: select by \`{{pods}}\`, \`{{deployment}}\`, \`{{service}}\` or \`{{arm}}\``,
    );
  }
  if (kind === 'counted') return { kind, ...common, requests, failures };
  return limits === null ? null : { kind: 'measured', ...common, query, ...limits };
};

const onNoData = (text: string): MetricSpec['onNoData'] => (text === 'fail' || text === 'ignore' ? text : 'wait');

const readName = (
  tree: MapTree,
  given: ScalarTree | null,
  names: Map<string, Place>,
  report: Report,
): string | null => {
  if (given === null) return null;
  const name = given.text.trim();
  const first = names.get(name);
  if (name === '') report(given.place, 'the name is empty');
  else if (name.length > LONGEST_NAME || /\p{Cc}/u.test(name))
    report(given.place, `a name is one line of at most ${LONGEST_NAME} characters`);
  else if (first !== undefined)
    report(given.place, `two metrics are named ${quote(name)}; the first is ${quote(first.path)}`);
  else {
    names.set(name, tree.place);
    return name;
  }
  return null;
};

/** Counted or measured: exactly one. Keys of the other kind are mistakes, not noise. */
const kindOf = (tree: MapTree, report: Report): MetricSpec['kind'] | null => {
  const given = (keys: readonly string[]) => tree.entries.filter((entry) => keys.includes(entry.key));
  const counted = given(COUNTED_KEYS);
  const measured = given(['query']);
  if (given(['preset', 'histogram']).length > 0) return null;
  if (counted.length > 0 && measured.length > 0) {
    report(tree.place, 'both `query` and `requests`/`failures` are given; a metric is either counted or measured');
    return null;
  }
  if (counted.length === 0 && measured.length === 0) {
    report(tree.place, 'either `requests` and `failures`, or `query` is needed');
    return null;
  }
  if (measured.length > 0) return 'measured';
  for (const key of COUNTED_KEYS) {
    if (entryOf(tree, key) === null)
      report(tree.place, `\`${key}\` is missing: a counted metric has \`requests\` and \`failures\``);
  }
  for (const entry of given(MEASURED_KEYS)) {
    report(entry.place, `\`${entry.key}\` belongs to a metric with \`query\`; a counted metric has no such limit`);
  }
  return 'counted';
};

const readQuery = (given: ScalarTree | null, use: PromqlUse, report: Report): string => {
  if (given === null) return '';
  for (const { offset, message } of promqlProblems(given.text, use)) {
    const place = given.at(offset);
    // Where escapes or folding hide the place in the file, the place in the query is what helps.
    const hidden = offset > 0 && place.line === given.place.line && place.column === given.place.column;
    report(place, hidden ? `${message} (character ${offset + 1} of the query)` : message);
  }
  return given.text.trim();
};

type Limits = Pick<MeasuredSpec, 'min' | 'max' | 'maxIncrease' | 'unit' | 'failureLimit' | 'everyMs'>;

const readLimits = (tree: MapTree, scalar: (key: string) => ScalarTree | null, report: Report): Limits | null => {
  const number = (key: string): number | null => {
    const value = scalar(key)?.value;
    return typeof value === 'number' ? value : null;
  };
  const [min, max] = [number('min'), number('max')];
  const increase = scalar('max-increase');
  const maxIncrease = increase === null ? null : readIncrease(increase, report);
  const unit = scalar('unit');
  if (unit !== null && (unit.text.length > LONGEST_UNIT || /\p{Cc}/u.test(unit.text))) {
    report(unit.place, `a unit is one line of at most ${LONGEST_UNIT} characters`);
  }
  const every = scalar('every');
  const everyMs = every === null ? null : parseDuration(every.text, SHORTEST_EVERY_MS);
  if (every !== null && everyMs?.ok === false) report(every.place, everyMs.problem);
  const LIMITS = ['min', 'max', 'max-increase'];
  if (!LIMITS.some((key) => entryOf(tree, key) !== null)) {
    report(tree.place, `a metric with \`query\` needs a limit: at least one of ${listed(LIMITS)}`);
  }
  if (min !== null && max !== null && min > max) report(tree.place, `\`min\` ${min} is above \`max\` ${max}`);
  return {
    min,
    max,
    maxIncrease,
    unit: unit === null || unit.text.trim() === '' ? null : unit.text.trim(),
    failureLimit: number('failure-limit') ?? 0,
    everyMs: everyMs?.ok === true ? everyMs.value : EVERY_DEFAULT_MS,
  };
};

/** `20%` is 0.2. */
const readIncrease = (given: ScalarTree, report: Report): number | null => {
  const text = given.text.trim();
  const found = /^(\d{1,6}(?:\.\d{1,6})?)\s*%$/.exec(text);
  if (found !== null) return Number((Number(found[1]) / 100).toPrecision(12));
  report(given.place, increaseProblem(text));
  return null;
};
