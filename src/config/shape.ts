import { z } from 'zod';
import type { Issue } from '../core/outcome.ts';
import { INPUTS, inputDescription } from './inputs.ts';
import { increaseProblem, objectiveProblem, ratioProblem } from './ratios.ts';
import { type MapTree, plain, type Tree, treeAt } from './tree.ts';
import { below, quote, suggestion } from './words.ts';

const DURATION = '^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+s)?$';

const NO_WEIGHTS = 'at least one weight is needed, such as `5, 10, 20, 50, 80`';
const NO_METRICS = 'the list of metrics is empty; leave `metrics` out to judge by readiness alone';

const got = (value: unknown): string => {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? `the text ${quote(value)}` : quote(String(value));
};

interface Raw {
  readonly input?: unknown;
}

const expected =
  (what: string) =>
  ({ input }: Raw): string =>
    `expected ${what}, got ${got(input)}`;

const unitless = ({ input }: Raw): string =>
  typeof input === 'number'
    ? `${quote(String(input))} has no unit; did you mean \`${input}s\`?`
    : `expected a duration such as \`60s\`, got ${got(input)}`;

/** What is written as a number or a percentage, or as a percentage only. */
const asNumber =
  (what: string, problemOf: (given: string) => string) =>
  ({ input }: Raw): string =>
    typeof input === 'number' ? problemOf(String(input)) : `expected ${what}, got ${got(input)}`;

const unquoted = ({ input }: Raw): string => {
  const hint = typeof input === 'number' || typeof input === 'boolean' ? '; put it in quotes' : '';
  return `expected text, got ${got(input)}${hint}`;
};

const text = () => z.string({ error: unquoted });
const duration = () => z.string({ error: unitless }).meta({ pattern: DURATION, examples: ['60s', '5m', '1h30m'] });
const number = () => z.number({ error: expected('a number') });
const flag = () => z.boolean({ error: expected('`true` or `false`') });
const closed = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, {
    error: ({ input }: Raw) =>
      typeof input === 'string'
        ? `unknown value ${quote(input)}${suggestion(input, values)}`
        : `expected ${values.map((value) => `\`${value}\``).join(', ')}, got ${got(input)}`,
  });

/** One line of text per item, or all of them as one text. */
const lines = () =>
  z.union([z.string(), z.array(z.string()).min(1, { error: 'the list is empty' })], {
    error: expected('text, or a list of texts'),
  });
const flagOrText = () => z.union([z.boolean(), z.enum(['true', 'false'])], { error: expected('`true` or `false`') });
const weight = () => z.union([z.number(), z.string()], { error: expected('a weight such as `5`') });
const until = () => z.union([z.number(), z.string()], { error: expected('a weight such as `20`, or `promotion`') });
const promoteAt = () => z.union([z.number(), z.string()], { error: expected('`100` or `last-step`') });
const whole = (least: number) => {
  const error = expected(`a whole number, ${least} or more`);
  return z.int({ error }).min(least, { error });
};
const multiple = () =>
  z.union([z.number(), z.string().meta({ pattern: '^[0-9]+([.][0-9]+)?x?$' })], {
    error: expected('a multiple such as `3x`'),
  });
const count = () =>
  z.union([whole(1), z.string().meta({ pattern: '^[1-9][0-9]*$' })], { error: expected('a whole number, 1 or more') });
/** YAML takes a bare port for a number. */
const scrape = () =>
  z.string({
    error: ({ input }: Raw) =>
      `expected a port and a path such as \`:9102/metrics\`, got ${got(input)}${Number.isInteger(input) ? `; did you mean \`:${input}\`?` : ''}`,
  });
const weights = () =>
  z.union([z.number(), z.string(), z.array(z.union([z.number(), z.string()])).min(1, { error: NO_WEIGHTS })], {
    error: expected('weights such as `5, 10, 20, 50, 80`'),
  });

const PERCENT = '^[0-9]+([.][0-9]+)?\\s*%$';
const percentage = (what: string, problemOf: (given: string) => string) =>
  z.string({ error: asNumber(what, problemOf) }).meta({ pattern: PERCENT });
const ratio = () => {
  const error = asNumber('a ratio such as `0.02` or `2%`', ratioProblem);
  const number = z.number({ error }).gt(0, { error }).lt(1, { error });
  return z.union([number, z.string().meta({ pattern: PERCENT })], { error });
};
const above0 = (what: string) => {
  const error = expected(what);
  return z.number({ error }).gt(0, { error });
};

const METRIC = z
  .strictObject(
    {
      name: text().describe('what reports call it; each once; may be left out with `preset`').optional(),
      requests: text().describe('counted: selector of the counter of all requests').optional(),
      failures: text().describe('counted: selector of the counter of failed requests').optional(),
      histogram: text().describe('latency: selector of the `_bucket` series of a histogram').optional(),
      bound: above0('a number above 0, in the unit of the histogram')
        .describe(
          "latency, preset: the bound of the histogram above which a request is too slow; default: those that stable's history tells",
        )
        .optional(),
      preset: text().describe('preset: `auto`, or the router or convention whose own metrics are judged').optional(),
      ceiling: ratio()
        .describe('not with `query`: the failure ratio above which what looks worse than stable is rolled back')
        .optional(),
      floor: ratio().describe('not with `query`: the failure ratio below which nothing is rolled back').optional(),
      slo: percentage('an objective such as `99.9%`', objectiveProblem)
        .describe(
          'not with `query`: instead of `ceiling`, which is then `burn-rate` times what this objective lets fail',
        )
        .optional(),
      'burn-rate': above0('a number above 0').describe('with `slo`; default 14.4').optional(),
      query: text().describe('measured: PromQL that gives one number').optional(),
      min: number().describe('measured: the least that is healthy').optional(),
      max: number().describe('measured: the most that is healthy').optional(),
      'max-increase': percentage('an increase such as `20%`', increaseProblem)
        .describe('measured: the most above stable, such as `20%`')
        .optional(),
      unit: text().describe('measured, latency: unit of the number, for reports').optional(),
      'failure-limit': whole(0).describe('measured: failed measurements tolerated in a step; default 0').optional(),
      'failed-checks': whole(1)
        .describe(
          'measured: failed measurements in the whole rollout at which it is rolled back; until then the weight stands while one fails; default off',
        )
        .optional(),
      every: duration().describe('measured: time between two measurements; default 10s').optional(),
      'on-no-data': closed(['wait', 'fail', 'ignore']).describe('default wait').optional(),
      'dry-run': flag().describe('judged and reported, but never decides').optional(),
      'replica-labels': z
        .union([z.string(), z.array(z.string())], {
          error: expected('names of labels such as `prometheus_replica, replica`'),
        })
        .describe('labels by which the same series differs between stores; default prometheus_replica, replica')
        .optional(),
    },
    { error: expected('a map with `name` and `requests` and `failures`, `histogram`, `query` or `preset`') },
  )
  .meta({
    oneOf: [
      { required: ['name', 'requests', 'failures'] },
      { required: ['name', 'histogram'] },
      { required: ['name', 'query'] },
      { required: ['preset'] },
    ],
    dependencies: { requests: ['failures'], failures: ['requests'], 'burn-rate': ['slo'] },
  });

const METRICS = z
  .array(METRIC, {
    error: ({ input }: Raw) =>
      input === null || input === ''
        ? NO_METRICS
        : `expected a list of metrics, got ${got(input)}${typeof input === 'string' && input.startsWith('- ') ? '; remove the `|` after `metrics:`' : ''}`,
  })
  .min(1, { error: NO_METRICS });

const STEPS = z
  .array(
    z.strictObject(
      {
        weight: weight(),
        interval: duration().describe('default 60s').optional(),
        approval: flag().describe('its weight is held, and judged, until somebody approves; default false').optional(),
      },
      { error: expected('a step such as `{weight: 5, interval: 60s}`') },
    ),
    { error: expected('a list of steps') },
  )
  .min(1, { error: 'the list of steps is empty' });

const DURATIONS = [
  'interval',
  'timeout',
  'ready-timeout',
  'drain',
  'no-data-timeout',
  'hold',
  'lock-wait',
  'approval-timeout',
  'ignore-first',
];

const shapeOf = (name: string, allowed: readonly string[] | null): z.ZodType => {
  if (name === 'metrics') return METRICS;
  if (name === 'steps') return STEPS;
  if (name === 'weights') return weights();
  if (name === 'until') return until();
  if (name === 'promote-at') return promoteAt();
  if (['image', 'route', 'approvers', 'allow', 'copy'].includes(name)) return lines();
  if (DURATIONS.includes(name)) return duration();
  if (name === 'require-evidence') return multiple();
  if (name === 'min-requests') return count();
  if (name === 'scrape') return scrape();
  if (allowed === null) return text();
  const [first, ...more] = allowed;
  if (first === undefined) return text();
  const words = closed([first, ...more]);
  if (!allowed.includes('true')) return words;
  return allowed.length === 2
    ? flagOrText()
    : z.union([z.boolean(), words], { error: expected(`one of ${allowed.join(', ')}`) });
};

/** The keys that the config file may have, with their shapes. */
const FILE_KEYS: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  INPUTS.filter((one) => one.inConfigFile).map((one) => [
    one.name,
    shapeOf(one.name, one.allowed).describe(inputDescription(one)),
  ]),
);

export const FILE_KEY_NAMES: readonly string[] = Object.keys(FILE_KEYS);
export const METRIC_KEYS: readonly string[] = Object.keys(METRIC.shape);
export const STEP_KEYS: readonly string[] = ['weight', 'interval', 'approval'];

/** The JSON Schema of the config file, for editors. */
export const configJsonSchema = (): Record<string, unknown> => {
  const shapes = Object.fromEntries(Object.entries(FILE_KEYS).map(([key, shape]) => [key, shape.optional()]));
  const schema = z.toJSONSchema(z.strictObject(shapes), { target: 'draft-7' });
  return { ...schema, title: 'Canary Rollout configuration' };
};

/**
 * What does not have the shape that an input of this name needs: a wrong type, a value off a closed list, a missing key.
 * Unknown keys are not reported here.
 */
export const shapeIssues = (name: string, tree: Tree): readonly Issue[] => {
  const shape = FILE_KEYS[name];
  const checked = shape?.safeParse(plain(tree));
  if (checked === undefined || checked.success) return [];
  return checked.error.issues
    .filter((issue) => issue.code !== 'unrecognized_keys')
    .map((issue) => {
      const at = treeAt(tree, issue.path);
      const path = issue.path.reduce<string>(
        (all, key) => below(all, typeof key === 'number' ? key : String(key)),
        tree.place.path,
      );
      const last = issue.path.at(-1);
      const parent = treeAt(tree, issue.path.slice(0, -1));
      const absent = typeof last === 'string' && at === parent && at.kind === 'map' && !hasKey(at, last);
      return { ...at.place, path, message: absent ? `\`${last}\` is missing` : issue.message };
    });
};

const hasKey = (tree: MapTree, key: string): boolean => tree.entries.some((entry) => entry.key === key);
