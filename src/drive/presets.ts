import { placeholdersIn } from '../core/placeholders.ts';
import type { Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { AskedMetric, CountedSpec, LatencySpec, MetricSpec, PresetSpec } from '../core/spec.ts';
import type { Preset, PresetVariant } from '../ports/preset.ts';
import { errorFinding } from './findings.ts';

/**
 * Whether the store has data of stable for a metric; a finding of `metric-not-found` is a no. Any other finding: it could
 * not be asked, or its data cannot be used.
 */
export type Probe = (metric: MetricSpec) => Promise<boolean | Finding>;

export interface ResolvedPresets {
  /** In the order asked for, each preset replaced by its metrics; those that an error finding is about are left out. */
  readonly metrics: readonly MetricSpec[];
  readonly findings: readonly Finding[];
}

const AUTO = 'auto';

/**
 * Turns each `preset` into counted and latency metrics that the store has data of stable for. `auto` takes the first of
 * `presets` that has data and tells the arms apart, and a warning says which. `ceiling`, `floor` and `slo` limit failures
 * only. Nothing is guessed: a preset that counts both arms as one is refused with the reason. Asks one thing after the
 * other, and nothing more once the store could not be asked.
 */
export const resolvePresets = async (
  asked: readonly AskedMetric[],
  presets: readonly Preset[],
  target: Target,
  probe: Probe,
): Promise<ResolvedPresets> => {
  const metrics: MetricSpec[] = [];
  const findings: Finding[] = [];
  const ask: Probe = async (metric) => {
    const answer = await probe(metric);
    return typeof answer === 'object' && answer.code === 'metric-not-found' ? false : answer;
  };
  for (const spec of asked) {
    if (spec.kind !== 'preset') {
      metrics.push(spec);
      continue;
    }
    const resolved = await resolveOne(spec, presets, target, ask);
    metrics.push(...resolved.metrics);
    findings.push(...resolved.findings);
    if (resolved.unasked) break;
  }
  return { metrics, findings: [...findings, ...repeatedNames(metrics)] };
};

interface Resolved extends ResolvedPresets {
  /** The store could not be asked. */
  readonly unasked: boolean;
}

const refused = (spec: PresetSpec, code: Finding['code'], message: string, advice: string | null): Resolved => ({
  metrics: [],
  findings: [errorFinding(code, whereOf(spec), message, advice)],
  unasked: false,
});

const whereOf = ({ name }: { readonly name: string }): string => `metric "${name}"`;

const resolveOne = async (
  spec: PresetSpec,
  presets: readonly Preset[],
  target: Target,
  probe: Probe,
): Promise<Resolved> => {
  const isAuto = spec.preset === AUTO;
  const candidates = isAuto ? presets : presets.filter(({ name }) => name === spec.preset);
  const looked: Looked[] = [];
  for (const preset of candidates) {
    const one = await lookFor(spec, preset, target, probe);
    if (one.kind === 'unasked') return { metrics: [], findings: [one.finding], unasked: true };
    if (one.kind === 'found') return withLatency(spec, one, target, probe);
    looked.push(one);
  }
  return isAuto ? nothingFound(spec, looked) : notUsable(spec, presets, looked[0] ?? null);
};

interface Found {
  readonly kind: 'found';
  readonly preset: Preset;
  readonly variant: PresetVariant;
}

type Looked =
  | { readonly kind: 'empty'; readonly preset: Preset; readonly counters: readonly string[] }
  | { readonly kind: 'blended'; readonly preset: Preset; readonly why: string };

/** The first spelling of a preset that the store has data of stable for. */
const lookFor = async (
  spec: PresetSpec,
  preset: Preset,
  target: Target,
  probe: Probe,
): Promise<Found | Looked | { readonly kind: 'unasked'; readonly finding: Finding }> => {
  const why = whyNotSeparate(preset, target);
  // Whoever asked for it by name is told why; `auto` tells it only where the store has such series.
  if (why !== null && (spec.preset !== AUTO || preset.variants.length > 0)) return { kind: 'blended', preset, why };
  const variants = preset.variants.filter((variant) => misfit(variant, target) === null);
  for (const variant of variants) {
    const answer = await probe(countedOf(spec, spec.name, variant, target));
    if (typeof answer === 'object') return { kind: 'unasked', finding: answer };
    if (answer) return { kind: 'found', preset, variant };
  }
  const { blended } = preset;
  const counters = [...new Set(variants.map(({ requests }) => metricOf(requests)))];
  if (blended === null) return { kind: 'empty', preset, counters };
  const selectors = { requests: blended.requests, failures: blended.requests };
  const answer = await probe(countedOf(spec, spec.name, selectors, target));
  if (typeof answer === 'object') return { kind: 'unasked', finding: answer };
  return answer ? { kind: 'blended', preset, why: blended.why } : { kind: 'empty', preset, counters };
};

/** Why nothing that a preset counts could tell canary from stable for this target, in words; null: something can. */
export const whyNotSeparate = (preset: Preset, target: Target): string | null => {
  if (preset.variants.length === 0) return preset.blended?.why ?? `${preset.title} does not count by version`;
  const reasons = preset.variants.map((variant) => misfit(variant, target));
  return reasons.includes(null) ? null : [...new Set(reasons)].join('; ');
};

const misfit = (variant: PresetVariant, target: Target): string | null => {
  const used = placeholdersIn(variant.requests).map(({ name }) => name);
  if (!used.includes('pods') && !used.includes('deployment') && target.canaryService === null) {
    return target.service === null
      ? 'requests are counted by Service, and there is none'
      : `requests are counted by Service, and both versions are behind the Service ${target.service}`;
  }
  return callsOf(target) === 'grpc' && variant.calls === 'http'
    ? 'what is counted does not show which gRPC calls failed'
    : null;
};

/** What the routes carry. An HTTPRoute may carry gRPC too, and pods behind no route anything: the store tells. */
const callsOf = ({ routes }: Target): 'grpc' | 'both' | 'open' => {
  const ofGrpc = routes.filter(({ kind }) => kind === 'GRPCRoute').length;
  if (ofGrpc === 0) return 'open';
  return ofGrpc === routes.length ? 'grpc' : 'both';
};

const withLatency = async (
  spec: PresetSpec,
  { preset, variant }: Found,
  target: Target,
  probe: Probe,
): Promise<Resolved> => {
  // A metric that was given no name of its own has that of the preset.
  const name = spec.name === AUTO ? preset.name : spec.name;
  const latency = latencyOf(spec, `${name}: latency`, variant, target);
  const answer = latency === null ? false : await probe(latency);
  if (typeof answer === 'object') return { metrics: [], findings: [answer], unasked: true };
  const chosen = [
    ...(spec.preset === AUTO ? [chosenFinding(spec, preset, variant)] : []),
    ...(callsOf(target) === 'both' && variant.calls !== 'any' ? [onlyHalf(spec, preset, variant.calls)] : []),
  ];
  if (latency !== null && answer) {
    const metrics = [countedOf(spec, `${name}: failures`, variant, target), latency];
    return { metrics, findings: chosen, unasked: false };
  }
  const metrics = [countedOf(spec, name, variant, target)];
  return { metrics, findings: [...chosen, noLatency(spec, preset, variant)], unasked: false };
};

const commonOf = ({ onNoData, dryRun, replicaLabels }: PresetSpec) => ({ onNoData, dryRun, replicaLabels });

const countedOf = (
  spec: PresetSpec,
  name: string,
  { requests, failures }: Pick<PresetVariant, 'requests' | 'failures'>,
  target: Target,
): CountedSpec => ({
  kind: 'counted',
  name,
  ...commonOf(spec),
  ceiling: spec.ceiling,
  floor: spec.floor,
  slo: spec.slo,
  requests: withRoutes(requests, target),
  failures: withRoutes(failures, target),
});

const latencyOf = (spec: PresetSpec, name: string, variant: PresetVariant, target: Target): LatencySpec | null =>
  variant.histogram === null
    ? null
    : {
        kind: 'latency',
        name,
        ...commonOf(spec),
        ceiling: null,
        floor: null,
        slo: null,
        histogram: withRoutes(variant.histogram, target),
        bound: spec.bound,
        unit: variant.unit,
      };

/** The placeholder is one name; of several routes all count. Names hold no character of a regular expression but the dot. */
const withRoutes = (selector: string, { routes }: Target): string =>
  routes.length < 2
    ? selector
    : selector.replaceAll('{{route}}', routes.map(({ name }) => name.replace(/[^A-Za-z0-9-]/g, '.')).join('|'));

const metricOf = (selector: string): string => selector.slice(0, selector.indexOf('{'));

const chosenFinding = (spec: PresetSpec, { name }: Preset, { requests }: PresetVariant): Finding => ({
  severity: 'warning',
  code: 'metric-not-found',
  where: whereOf(spec),
  message: `\`preset: auto\` found \`${metricOf(requests)}\` and judges by the preset \`${name}\``,
  advice: `write \`preset: ${name}\` to be judged by it every time`,
});

const onlyHalf = (spec: PresetSpec, { name }: Preset, calls: 'http' | 'grpc'): Finding => ({
  severity: 'warning',
  code: 'metric-not-found',
  where: whereOf(spec),
  message: `the preset \`${name}\` judges the ${calls === 'http' ? 'HTTP requests' : 'gRPC calls'} of these routes only`,
  advice: `give a metric of its own for the ${calls === 'http' ? 'gRPC calls' : 'HTTP requests'}`,
});

const noLatency = (spec: PresetSpec, { name, advice }: Preset, { histogram }: PresetVariant): Finding => {
  const missing =
    histogram === null ? 'it has no histogram' : `the store has no \`${metricOf(histogram)}\` of stable for it`;
  const message = `the preset \`${name}\` judges failures only, not latency: ${missing}`;
  return spec.bound === null
    ? { severity: 'warning', code: 'metric-not-found', where: whereOf(spec), message, advice }
    : errorFinding('metric-not-found', whereOf(spec), `${message}, and \`bound\` is set`, advice);
};

const notUsable = (spec: PresetSpec, presets: readonly Preset[], looked: Looked | null): Resolved => {
  if (looked === null) {
    const known = [AUTO, ...presets.map(({ name }) => name)].map((name) => `\`${name}\``).join(' ');
    return refused(spec, 'invalid-config', `unknown preset \`${spec.preset}\`; known: ${known}`, null);
  }
  const { preset } = looked;
  if (looked.kind === 'blended') {
    const message = `the preset \`${preset.name}\` cannot tell the canary from stable here: ${looked.why}`;
    return refused(spec, 'invalid-config', message, adviceFor(preset));
  }
  const message = `the store has nothing of stable for the preset \`${preset.name}\`; looked for ${listed(looked.counters)}`;
  return refused(spec, 'metric-not-found', message, preset.advice);
};

const adviceFor = ({ kind, blended, advice }: Preset): string =>
  blended === null && kind === 'router' ? "use the pods' own metrics: `preset: http` or `preset: otel`" : advice;

const listed = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

const nothingFound = (spec: PresetSpec, looked: readonly Looked[]): Resolved => {
  const counters = looked.flatMap((one) => (one.kind === 'empty' ? one.counters : []));
  const blended = looked.flatMap((one) => (one.kind === 'blended' ? [one] : []));
  const unable = [...new Set(blended.map(({ why }) => why))].map(
    (why) => `${listed(blended.filter((one) => one.why === why).map(({ preset }) => preset.name))}: ${why}`,
  );
  const message = [
    '`preset: auto` found nothing of stable in the store that it could judge by',
    ...(counters.length === 0 ? [] : [`looked for ${listed([...new Set(counters)])}`]),
    ...(unable.length === 0 ? [] : [`cannot tell the versions apart here: ${unable.join('; ')}`]),
  ].join('. ');
  return refused(spec, 'metric-not-found', message, 'give `requests` and `failures` of your own');
};

const repeatedNames = (metrics: readonly MetricSpec[]): readonly Finding[] => {
  const names = metrics.map(({ name }) => name);
  const repeated = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
  return repeated.map((name) =>
    errorFinding('invalid-config', whereOf({ name }), 'two metrics have this name', 'give the preset another `name`'),
  );
};
