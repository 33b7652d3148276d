import { z } from 'zod';
import type { Issue } from '../core/outcome.ts';
import { INPUTS, inputDescription, works } from './inputs.ts';
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

const unsigned = ({ input }: Raw): string =>
  typeof input === 'number'
    ? increaseProblem(String(input))
    : `expected an increase such as \`20%\`, got ${got(input)}`;

/** Without the sign it could be a share or a factor. */
export const increaseProblem = (given: string): string => {
  const bare = Number(given);
  const percent = bare > 0 && bare < 1 ? Number((bare * 100).toPrecision(6)) : bare;
  const meant = given !== '' && bare >= 0 ? `; did you mean \`${percent}%\`?` : '';
  return `${quote(given)} is not an increase; write it like \`20%\`${meant}`;
};

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
const weights = () =>
  z.union([z.number(), z.string(), z.array(z.union([z.number(), z.string()])).min(1, { error: NO_WEIGHTS })], {
    error: expected('weights such as `5, 10, 20, 50, 80`'),
  });

const METRIC = z
  .strictObject(
    {
      name: text().describe('what reports call it; each once'),
      requests: text().describe('counted: selector of the counter of all requests').optional(),
      failures: text().describe('counted: selector of the counter of failed requests').optional(),
      query: text().describe('measured: PromQL that gives one number').optional(),
      min: number().describe('measured: the least that is healthy').optional(),
      max: number().describe('measured: the most that is healthy').optional(),
      'max-increase': z
        .string({ error: unsigned })
        .meta({ pattern: '^[0-9]+([.][0-9]+)?\\s*%$', description: 'measured: the most above stable, such as `20%`' })
        .optional(),
      unit: text().describe('measured: unit of the number, for reports').optional(),
      'failure-limit': z
        .int({ error: expected('a whole number, 0 or more') })
        .min(0, { error: expected('a whole number, 0 or more') })
        .describe('measured: failed measurements tolerated in a step; default 0')
        .optional(),
      every: duration().describe('measured: time between two measurements; default 10s').optional(),
      'on-no-data': closed(['wait', 'fail', 'ignore']).describe('default wait').optional(),
      'dry-run': flag().describe('judged and reported, but never decides').optional(),
    },
    { error: expected('a map with `name` and either `requests` and `failures`, or `query`') },
  )
  .meta({ anyOf: [{ required: ['requests', 'failures'] }, { required: ['query'] }] });

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
];

const shapeOf = (name: string, allowed: readonly string[] | null): z.ZodType => {
  if (name === 'metrics') return METRICS;
  if (name === 'steps') return STEPS;
  if (name === 'weights') return weights();
  if (name === 'until') return until();
  if (['image', 'route', 'approvers'].includes(name)) return lines();
  if (DURATIONS.includes(name)) return duration();
  if (allowed === null) return text();
  const [first, ...more] = allowed;
  if (first === undefined) return text();
  const words = closed([first, ...more]);
  if (!allowed.includes('true')) return words;
  return allowed.length === 2
    ? flagOrText()
    : z.union([z.boolean(), words], { error: expected(`one of ${allowed.join(', ')}`) });
};

/** The keys that the config file may have in this version, with their shapes. */
const FILE_KEYS: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  INPUTS.filter((one) => one.inConfigFile && works(one)).map((one) => [
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
      const absent = typeof last === 'string' && at.kind === 'map' && !hasKey(at, last);
      return { ...at.place, path, message: absent ? `\`${last}\` is missing` : issue.message };
    });
};

const hasKey = (tree: MapTree, key: string): boolean => tree.entries.some((entry) => entry.key === key);
