import { markdownTable } from 'markdown-table';
import type { Advice } from '../core/advice.ts';
import type { Foresight, Known, MetricForesight } from '../core/foresight.ts';
import { formatCount, formatDuration, formatNumber, formatRatio, formatWeight } from '../core/format.ts';
import type { Placebo, Remedy } from '../core/placebo.ts';
import type { Plan } from '../core/plan.ts';
import type { Cost, Sight, Worse } from '../core/power.ts';
import type { Ms } from '../core/units.ts';
import { type Section, section } from './document.ts';
import { cut } from './escape.ts';
import { code, type Inline, joined, say, strong, toMarkdown } from './inline.ts';
import { measured } from './numbers.ts';

/** More metrics than fit a comment's width are told in sentences only. */
const COLUMNS = 4;
const LISTED = 20;
const NAME_LIMIT = 60;

type KnownMetric = MetricForesight & Known;
type UnknownMetric = Exclude<MetricForesight, Known>;

const isKnown = (metric: MetricForesight): metric is KnownMetric => metric.kind === 'known';

/** What stable's past tells about a plan: false alarms, what each step can see, what a total failure costs, what would be better. */
export const foresightSections = (plan: Plan, foresight: Foresight | null): readonly (Section | null)[] => {
  if (foresight === null) return [];
  const known = foresight.metrics.filter(isKnown);
  const past = pastText(Math.max(0, ...known.map(({ ms }) => ms)));
  const title =
    known.length === 0 ? say`No past to foresee from` : say`What stable's last ${past} tell about this plan`;
  const left = foresight.metrics.length - LISTED;
  const lines: readonly Inline[] = [
    ...(foresight.placebo === null ? [] : placeboLines(foresight.placebo, known)),
    ...foresight.metrics.slice(0, LISTED).map((metric) => metricLine(metric, foresight)),
    ...(left > 0 ? [say`${left} more metrics are not listed.`] : []),
  ];
  return [
    section(null, [
      toMarkdown(strong(title)),
      lines.map((line) => `- ${toMarkdown(line)}`).join('\n'),
      ...(known.length === 0 ? [] : [sightTable(known), legend(known)]),
      foresight.advice.map((one) => `💡 ${toMarkdown(adviceLine(plan, one))}`).join('\n\n'),
    ]),
  ];
};

// --- false alarms -----------------------------------------------------------------

const placeboLines = (placebo: Placebo, known: readonly KnownMetric[]): readonly Inline[] => {
  if (placebo.kind === 'impossible')
    return [
      placebo.why === 'pods'
        ? say`False alarms cannot be counted: stable has one pod, or its series have no label ${code('pod')}, so there is none to compare it with.`
        : say`False alarms cannot be counted: there was no time as long as the plan with traffic on two pods.`,
    ];
  const { releases, rolledBack, held, pods, windowMs } = placebo;
  const how = `each of ${pods} pods in turn as the canary, for ${formatDuration(windowMs)} at a time`;
  const isTooMany = 30 * rolledBack > releases;
  const rolled = isTooMany
    ? say`${strong(say`${rolledBack} would have been rolled back`)} by chance (more than 1 in 30)`
    : say`${rolledBack} would have been rolled back`;
  const few = releases < 30 ? say` Too few to tell whether it is 1 in 30.` : say``;
  const loud = Object.entries(placebo.byMetric).filter(([, count]) => count > 0);
  const dry = new Set(known.filter(({ dryRun }) => dryRun).map(({ name }) => name));
  const who = loud.map(
    ([name, count]) => say`${code(name)} in ${count}${dry.has(name) ? ' (it does not decide)' : ''}`,
  );
  const against = who.length === 0 ? say`` : say` What spoke against them: ${joined(who, ', ')}.`;
  return [
    say`${isTooMany ? '⚠️ ' : ''}Of ${formatCount(releases)} pretended releases of nothing new, ${rolled} and ${held} more held for a while (${how}).${against}${few}`,
    ...(isTooMany ? [remedyLine(placebo.remedies, known)] : []),
  ];
};

const remedyLine = (remedies: readonly Remedy[], known: readonly KnownMetric[]): Inline => {
  if (remedies.length === 0)
    return say`Nothing that was tried brings that below 1 in 30: its failures differ too much from pod to pod. Let the metric only report (${code('dry-run: true')}) until they do not.`;
  const tried = remedies.map((remedy) => say`${remedyText(remedy, known)}: ${remedy.rolledBack} left`);
  return say`What would have helped: ${joined(tried, '; ')}.`;
};

const remedyText = (remedy: Remedy, known: readonly KnownMetric[]): Inline => {
  if (remedy.kind === 'strict') return say`${code('odds: strict')}`;
  if (remedy.kind === 'floor') return say`${code(`floor: ${percentText(remedy.floor)}`)} for ${code(remedy.metric)}`;
  const found = known.find(({ name }) => name === remedy.metric)?.phi ?? 1;
  return say`failures of ${code(remedy.metric)} taken for clumps of ${digits(remedy.phi)} (found: ${digits(found)})`;
};

// --- each metric ------------------------------------------------------------------

const metricLine = (metric: MetricForesight, { askedMs }: Foresight): Inline => {
  const name = metric.dryRun ? say`${code(metric.name)} (dry run)` : say`${code(metric.name)}`;
  if (!isKnown(metric)) return say`${name}: ${unknownText(metric, askedMs)}`;
  return say`${name}: ${perSecond(metric.requestsPerSecond)} requests/s, ${rateText(metric)}${clumpText(metric)} ${costText(metric)}`;
};

const clumpText = ({ phi, tolerance, rates }: KnownMetric): Inline => {
  if (rates.every(({ failures }) => failures === 0)) return say``;
  const [what, verb] = rates[0]?.bound === null ? ['Failures', 'fail'] : ['Slow ones', 'be slow'];
  const clumps =
    phi < 1.05
      ? say`${what} come one by one`
      : say`${what} come in clumps of about ${digits(phi)}, so evidence counts 1/${digits(phi)}`;
  return say` ${clumps}; the canary may ${verb} ${formatNumber(tolerance, '')} times as often.`;
};

const unknownText = ({ why }: UnknownMetric, askedMs: Ms): Inline => {
  const wanted = formatDuration(askedMs);
  switch (why.kind) {
    case 'error':
      return say`its past could not be read: ${why.message}.`;
    case 'idle':
      return say`it had no requests in the last ${wanted}.`;
    case 'bounds':
      return say`stable's latency shows no bound that is worth judging; set ${code('bound')}.`;
    case 'empty':
      return say`nobody kept its past. Pods that are scraped keep none; a metrics store (${code('prometheus')}) that holds stable's last ${wanted} would tell how often this plan raises a false alarm and what it can see.`;
  }
};

const rateText = ({ rates, unit, requests, ms }: KnownMetric): Inline => {
  const [main] = rates;
  const isCounted = main?.bound === null;
  if (rates.every(({ failures }) => failures === 0))
    return say`none of ${formatCount(requests)} ${isCounted ? 'failed' : 'was too slow'} in ${pastText(ms)}, so that only a total failure can be foretold.`;
  if (isCounted) return say`of which ${formatRatio(main.failureRatio)} fail.`;
  const slow = rates.map(
    ({ bound, failureRatio }) => say`${formatRatio(failureRatio)} slower than ${measured(bound ?? 0, unit)}`,
  );
  return say`${joined(slow, ', ')}.`;
};

const costText = ({ cost, rates }: KnownMetric): Inline => {
  const bad = rates[0]?.bound === null ? 'fails every request' : 'is too slow in every request';
  if (cost === null) return say`Not even a release that ${bad} would be noticed.`;
  const most =
    formatCount(cost.mostRequests) === formatCount(cost.requests) ? '' : `, at most ${formatCount(cost.mostRequests)}`;
  return say`A release that ${bad} would cost about ${costOf(cost)}${most}.`;
};

const costOf = ({ requests, ms }: Cost): string => `${formatCount(requests)} requests in ${formatDuration(ms)}`;
const saving = (now: Cost, better: Cost): string => `from ${costOf(now)} to ${costOf(better)}`;

// --- what is seen -----------------------------------------------------------------

const sightTable = (known: readonly KnownMetric[]): string => {
  const columns = known.slice(0, COLUMNS);
  const steps = columns[0]?.steps ?? [];
  const rows = steps.map(({ weight, ms }, index) => [
    String(index + 1),
    formatWeight(weight),
    formatDuration(ms),
    ...columns.map((metric) => sightText(metric.steps[index]?.sights ?? [])),
  ]);
  const whole = ['', 'whole plan', formatDuration(steps.reduce((sum, { ms }) => sum + ms, 0))];
  return markdownTable(
    [
      ['step', 'weight', 'held', ...columns.map(({ name }) => toMarkdown(say`seen by ${code(cut(name, NAME_LIMIT))}`))],
      ...rows,
      [...whole, ...columns.map((metric) => sightText(metric.whole))],
    ],
    { align: ['r', 'r', 'r', ...columns.map(() => 'l')], alignDelimiters: false },
  );
};

/** The smallest that is seen, what may be, and what is not: `5x in 30 s, 3x perhaps, 2x not`. */
const sightText = (sights: readonly Sight[]): string => {
  const sure = sights.find(({ isSure, ms }) => isSure && ms !== null);
  const smaller = sights.slice(0, sure === undefined ? sights.length : sights.indexOf(sure));
  const perhaps = smaller.find(({ ms }) => ms !== null);
  const missed = smaller.findLast(({ ms }) => ms === null);
  return [
    sure === undefined ? null : `${worseText(sure.worse)} in ${formatDuration(sure.ms ?? 0)}`,
    perhaps === undefined ? null : `${worseText(perhaps.worse)} perhaps`,
    missed === undefined
      ? null
      : missed.worse === 'all'
        ? 'not even a total failure'
        : `${worseText(missed.worse)} not`,
  ]
    .filter((part) => part !== null)
    .join(', ');
};

const worseText = (worse: Worse): string => (worse === 'all' ? 'total failure' : `${worse}x`);

const legend = (known: readonly KnownMetric[]): string => {
  const left = known.length - COLUMNS;
  const more =
    left > 0 ? ` ${left} more ${left === 1 ? 'metric is' : 'metrics are'} judged but not in this table.` : '';
  return `<sub>"2x in 40 s": of releases that fail twice as often as stable from the first request of that step on, half are rolled back within 40 s, and 9 of 10 before the step ends. "perhaps": about half of them before it ends. "whole plan": bad from its start on.${more}</sub>`;
};

// --- advice -----------------------------------------------------------------------

const adviceLine = (plan: Plan, advice: Advice): Inline => {
  switch (advice.kind) {
    case 'first-weight':
      return say`A first weight of ${formatWeight(advice.weight)} would cut the cost of a total failure ${saving(advice.now, advice.better)}.`;
    case 'interval': {
      const now = advice.now === null ? say`nothing but a total failure is` : say`only ${advice.now}x is`;
      const whole = plan.steps.reduce((sum, { intervalMs }) => sum + intervalMs * advice.times, 0);
      return say`${longer(plan, advice)} (${formatDuration(whole)} in all) would make sure that ${advice.better}x is seen; now ${now}.`;
    }
    case 'little-traffic':
      return say`There is too little traffic to be sure of seeing ${advice.worse}x, however long the steps are within reason. What this plan protects from is a total failure.`;
    case 'sooner':
      return say`Reading the pods' own counters every second (${code('scrape')}) would cut the cost of a total failure ${saving(advice.now, advice.better)}.`;
  }
};

/** One input where all intervals are the same, else in words. */
const longer = ({ steps }: Plan, { times, firstMs }: Advice & { readonly kind: 'interval' }): Inline =>
  steps.every(({ intervalMs }) => intervalMs === steps[0]?.intervalMs)
    ? say`${code(`interval: ${durationInput(firstMs)}`)}`
    : say`Intervals ${digits(times)} times as long`;

// --- numbers ----------------------------------------------------------------------

/** As an input takes it: `90s`, `3m`. */
const durationInput = (ms: Ms): string => (ms % 60_000 === 0 ? `${ms / 60_000}m` : `${Math.ceil(ms / 1000)}s`);

/** A past is read in scrapes: to the nearest minute, and of hours to the nearest five, it is what was asked for. */
const pastText = (ms: Ms): string => {
  const unit = ms >= 1_800_000 ? 300_000 : ms >= 180_000 ? 60_000 : 1_000;
  return formatDuration(Math.round(ms / unit) * unit);
};

const digits = (value: number): string => String(Number(value.toPrecision(2)));

const percentText = (ratio: number): string => `${Number((ratio * 100).toPrecision(2))}%`;

const perSecond = (value: number): string => (value >= 10 ? formatCount(value) : digits(value));
