import type { Issue } from '../core/outcome.ts';
import type { PrometheusSpec, RouteChoice, Spec } from '../core/spec.ts';
import { parseYaml } from './document.ts';
import { choiceOf, durationOf, type Given, type Reading, scalarOf } from './fields.ts';
import { type ConfigFile, readFile } from './file.ts';
import { readImages } from './images.ts';
import { COMMANDS, INPUTS, inputNamed, works } from './inputs.ts';
import { readMetrics, warnOfRare } from './metrics.ts';
import { type NameForm, readName } from './names.ts';
import { goesInClear, readAddress, readCertificates, readHeaders } from './prometheus.ts';
import { type Catalogue, readRoute } from './routes.ts';
import { readSettings, type Settings } from './settings.ts';
import { shapeIssues } from './shape.ts';
import { readSteps, reportTooLong } from './steps.ts';
import { inputTree, type MapTree, type Place, type Tree } from './tree.ts';
import { quote, suggestion } from './words.ts';

/** What the user wrote, as texts. */
export interface ConfigText {
  /** Only those that were given, by their kebab-case name. An empty text counts as not given. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Names given in the workflow that action.yml does not have. */
  readonly unknownInputs: readonly string[];
  /** null when there is none. */
  readonly file: ConfigFile | null;
}

/** The settings are there in both cases, with defaults for what is wrong: a rejection is reported too. */
export type ConfigRead =
  | { readonly spec: Spec; readonly settings: Settings; readonly warnings: readonly string[] }
  | { readonly issues: readonly Issue[]; readonly settings: Settings; readonly warnings: readonly string[] };

/** YAML inside an input has positions of its own. */
const YAML_INPUTS = ['metrics', 'steps'];
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Inputs and config file to a Spec, or every mistake in them at once, in the order of file, line and column. Never throws. */
export const readSpec = (text: ConfigText, catalogue: Catalogue): ConfigRead => {
  const issues: Issue[] = [];
  const warnings: string[] = [];
  const report = (place: Place, message: string): void => {
    issues.push({ ...place, message });
  };
  const file = text.file === null ? null : readFile(text.file);
  issues.push(...(file?.issues ?? []), ...inputNameIssues(text));
  const inputs = inputTrees(text.inputs, issues);
  const values = merge(inputs, file?.tree ?? null);
  const broken = new Set<string>();
  for (const [name, { tree, source }] of values) {
    const wrong = source === 'file' || YAML_INPUTS.includes(name) ? shapeIssues(name, tree) : [];
    issues.push(...wrong.filter((issue) => !issues.some((other) => isSamePlace(issue, other))));
    for (const issue of wrong) broken.add(issue.path);
  }
  const reading: Reading = {
    given: (name) => values.get(name) ?? null,
    unread: (name) => (file !== null && file.tree === null) || inputs.get(name) === null,
    report,
    warn: (message) => warnings.push(message),
    broken: (path) => broken.has(path),
  };
  const spec = readFields(reading, catalogue);
  const settings = readSettings(reading);
  if (spec === null || issues.length > 0) return { issues: inOrder(issues), settings, warnings };
  return { spec, settings, warnings };
};

const isSamePlace = (one: Issue, other: Issue): boolean =>
  one.path === other.path && one.line === other.line && one.column === other.column && one.file === other.file;

const inputNameIssues = (text: ConfigText): readonly Issue[] => {
  const place = (file: string): Place => ({ file, line: null, column: null, path: '' });
  const given = Object.keys(text.inputs).filter((name) => !isBlank(text.inputs[name]));
  const names = INPUTS.filter(works).map((one) => one.name);
  const unknown = [...text.unknownInputs, ...given.filter((name) => inputNamed(name) === null)];
  const early = given.filter((name) => inputNamed(name) !== null && !names.includes(name));
  return [
    ...unknown.map((name) => ({ ...place(name), message: `unknown input ${quote(name)}${suggestion(name, names)}` })),
    ...early.map((name) => ({ ...place(name), message: `input \`${name}\` is not in this version` })),
  ];
};

const isBlank = (text: string | undefined): boolean => text === undefined || text.trim() === '';

const inputTrees = (inputs: ConfigText['inputs'], issues: Issue[]): ReadonlyMap<string, Tree | null> => {
  const trees = new Map<string, Tree | null>();
  for (const [name, text] of Object.entries(inputs)) {
    const definition = inputNamed(name);
    if (definition === null || !works(definition) || isBlank(text)) continue;
    if (!YAML_INPUTS.includes(name)) trees.set(name, inputTree(name, text));
    else {
      const parsed = parseYaml(name, text, name);
      issues.push(...parsed.issues);
      const empty = { ...inputTree(name, ''), value: null };
      trees.set(name, parsed.tree ?? (parsed.issues.length > 0 ? null : empty));
    }
  }
  return trees;
};

/** An input wins over the file; `weights` as an input also over the `steps` of the file, and the other way round. */
const merge = (inputs: ReadonlyMap<string, Tree | null>, file: MapTree | null): ReadonlyMap<string, Given> => {
  const values = new Map<string, Given>();
  for (const entry of file?.entries ?? []) {
    const beaten =
      inputs.has(entry.key) ||
      (entry.key === 'steps' && inputs.has('weights')) ||
      (['weights', 'interval'].includes(entry.key) && inputs.has('steps'));
    if (!beaten) values.set(entry.key, { tree: entry.value, source: 'file' });
  }
  for (const [name, tree] of inputs) if (tree !== null) values.set(name, { tree, source: 'input' });
  return values;
};

const readFields = (reading: Reading, catalogue: Catalogue): Spec | null => {
  const { report } = reading;
  const command = choiceOf(reading, 'command', COMMANDS, 'run');
  const imagesGiven = required(reading, 'image');
  const images = imagesGiven === null ? null : readImages(imagesGiven, report);
  required(reading, 'deployment');
  const deployment = nameOf(reading, 'deployment', 'subdomain');
  const namespace = nameOf(reading, 'namespace', 'label');
  const service = nameOf(reading, 'service', 'label');
  const route = routeOf(reading, catalogue);
  const steps = readSteps(reading, route?.kind === 'replicas' ? 'replicas' : 'router');
  const metricsTree = sound(reading, 'metrics');
  const metrics = metricsTree === null ? [] : readMetrics(metricsTree, reading);
  const prometheus = prometheusOf(reading);
  if (reading.given('metrics') === null) {
    if (!reading.unread('metrics'))
      reading.warn('no `metrics` are given: the canary is judged by the readiness of its pods alone');
  } else if (reading.given('prometheus') === null && !reading.unread('prometheus')) {
    report(
      missing('prometheus'),
      '`prometheus` is missing: `metrics` are given, so an address such as `service://monitoring/prometheus:9090` is needed',
    );
  }
  const timeoutMs = durationOf(reading, 'timeout', 300 * MINUTE, SECOND);
  if (steps !== null) {
    reportTooLong(steps, timeoutMs, reading);
    warnOfRare(metrics ?? [], Math.min(...steps.map((step) => step.intervalMs)), reading.warn);
  }
  const rest = {
    timeoutMs,
    readyTimeoutMs: durationOf(reading, 'ready-timeout', 5 * MINUTE, SECOND),
    drainMs: durationOf(reading, 'drain', 30 * SECOND, 0),
    noDataTimeoutMs: durationOf(reading, 'no-data-timeout', 5 * MINUTE, SECOND),
    podLogs: choiceOf(reading, 'pod-logs', ['summary', 'comment', 'off'], 'auto'),
    failOnRollback: choiceOf(reading, 'fail-on-rollback', ['true', 'false'], 'true') === 'true',
    lockWaitMs: 0,
    onExpired: 'resume' as const,
    conduct: {
      until: null,
      holdMs: 60 * MINUTE,
      onCancel: 'rollback' as const,
      approval: { approvers: [], selfApproval: true, timeoutMs: 60 * MINUTE },
    },
    watchdog: null,
  };
  if (images === null || deployment === null || steps === null || metrics === null) return null;
  return { command, images, deployment, namespace, service, route, steps, metrics, prometheus, ...rest };
};

const missing = (name: string): Place => ({ file: name, line: null, column: null, path: '' });

/** The tree of an input when it is given and its shape is right. */
const sound = (reading: Reading, name: string): Tree | null => {
  const tree = reading.given(name)?.tree ?? null;
  return tree === null || reading.broken(tree.place.path) ? null : tree;
};

const required = (reading: Reading, name: string): Tree | null => {
  if (reading.given(name) === null && !reading.unread(name)) {
    reading.report(missing(name), `\`${name}\` is missing; give it as an input or in the config file`);
  }
  return sound(reading, name);
};

const nameOf = (reading: Reading, name: string, form: NameForm): string | null => {
  const tree = sound(reading, name);
  return tree === null ? null : readName(tree, form, reading.report);
};

const routeOf = (reading: Reading, catalogue: Catalogue): RouteChoice | null => {
  const tree = sound(reading, 'route');
  return tree === null ? null : readRoute(tree, catalogue, reading.report);
};

const prometheusOf = (reading: Reading): PrometheusSpec | null => {
  const { report } = reading;
  const given = reading.given('prometheus');
  const addressTree = scalarOf(reading, 'prometheus');
  const headersTree = sound(reading, 'prometheus-headers');
  const caTree = scalarOf(reading, 'prometheus-ca');
  const read = given === null || addressTree === null ? null : readAddress(addressTree, report);
  const headers = headersTree === null ? [] : (readHeaders(headersTree, report) ?? []);
  const ca = caTree === null ? null : readCertificates(caTree, report);
  if (read === null) {
    const lonely = [headersTree, caTree].filter((tree) => tree !== null);
    if (given === null && !reading.unread('prometheus'))
      for (const tree of lonely) report(tree.place, 'there is no `prometheus` that this would be for');
    return null;
  }
  const { address, authorization } = read;
  if (address.kind === 'service') {
    const useless = [headersTree, caTree].filter((tree) => tree !== null);
    for (const tree of useless)
      report(tree.place, 'not with `service://`: the API server makes that request, with its own headers and trust');
  }
  const twice = authorization !== null && headers.some(([name]) => name.toLowerCase() === 'authorization');
  if (twice && headersTree !== null)
    report(headersTree.place, 'the URL of `prometheus` and the headers both hold credentials; give one');
  const sent = authorization === null ? headers : [...headers, authorization];
  if (address.kind === 'url' && goesInClear(address.url, sent)) {
    reading.warn('credentials go to `prometheus` over plain `http://`, readable on the way');
  }
  return { address, headers: sent, ca };
};

const inOrder = (issues: readonly Issue[]): readonly Issue[] =>
  [...issues].sort(
    (one, other) =>
      (one.file < other.file ? -1 : one.file > other.file ? 1 : 0) ||
      (one.line ?? 0) - (other.line ?? 0) ||
      (one.column ?? 0) - (other.column ?? 0),
  );
