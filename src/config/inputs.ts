import { COMMANDS } from './commands.ts';

/** The issue that makes an input work: main job, real clusters, survive, judgement. */
export type Marker = 'M' | 'C' | 'S' | 'J';

export interface InputDefinition {
  readonly name: string;
  /** What applies when it is not given, in words for tables; null: nothing. */
  readonly default: string | null;
  /** One line for tables, in Markdown. */
  readonly meaning: string;
  readonly marker: Marker;
  /** The value is masked before anything else happens. */
  readonly secret: boolean;
  readonly inConfigFile: boolean;
  /** The closed list of values; null where any text of the right form is taken. */
  readonly allowed: readonly string[] | null;
  /**
   * The default that the runner itself fills in. Only for inputs that the config file cannot hold: a default filled in
   * there could not be told from a given input, and would win over the file.
   */
  readonly actionDefault: string | null;
}

type Given = Partial<InputDefinition> & Pick<InputDefinition, 'name' | 'meaning'>;

const input = (given: Given): InputDefinition => ({
  default: null,
  marker: 'M',
  secret: false,
  inConfigFile: true,
  allowed: null,
  actionDefault: null,
  ...given,
});

const later = (marker: Marker, name: string, fallback: string | null, meaning: string): InputDefinition =>
  input({ name, meaning, marker, default: fallback });

/** Evaluated by the runner. */
const GITHUB_TOKEN = `\${{ github.token }}`;
const BOOLEAN = ['true', 'false'];

/** Every input of the action, in the order of the documentation. action.yml and the tables are made from it. */
export const INPUTS: readonly InputDefinition[] = [
  input({
    name: 'command',
    default: 'run',
    actionDefault: 'run',
    inConfigFile: false,
    allowed: COMMANDS,
    meaning:
      '`run` releases `image`; `plan` makes every check and reports what a run would do, without writing; `rollback` brings back the version before, with the same care; on a rollout that is open: `status` shows it, `pause` stops at the weight it has, `resume` goes on (and approves), `promote` skips the steps that are left, `abort` returns all traffic; `sweep` makes safe what a dead runner left behind',
  }),
  input({
    name: 'config',
    default: '.github/canary.yml if present',
    inConfigFile: false,
    meaning: 'path of a file in the workspace with the same keys as the inputs; an input wins over the file',
  }),
  input({
    name: 'image',
    meaning:
      'the new image, used as written; one `container=image` per line when the Deployment has several containers; only for `run` and `plan`',
  }),
  later('C', 'manifest', null, 'a Deployment file of the same name and selector whose template is the new version'),
  input({
    name: 'deployment',
    meaning: 'name of the stable Deployment; with `status` and `sweep` it may be left out: all of the namespace',
  }),
  input({
    name: 'namespace',
    default: "the context's",
    inConfigFile: false,
    meaning: 'namespace of the Deployment; `*` with `status` and `sweep`: all namespaces',
  }),
  later(
    'C',
    'canary-deployment',
    '<deployment>-canary, created',
    'an existing Deployment to use as the canary; scaled back at the end, not deleted',
  ),
  input({
    name: 'service',
    default: 'found by the labels of the stable pods',
    meaning: 'the Service that selects the stable pods; none for queue workers',
  }),
  input({
    name: 'route',
    default: 'found when exactly one object routes to the Service',
    meaning:
      'the object that splits the traffic, as `KIND/NAME`, several one per line; or `replicas` to split by the number of pods',
  }),
  input({
    name: 'weights',
    default: '5, 10, 20, 50, 80 (5, 10, 20, 50 with `route: replicas`)',
    meaning:
      'share of the traffic for the canary in each step, in percent; rising, above 0, at most 100, one decimal at most',
  }),
  input({
    name: 'interval',
    default: '60s',
    meaning: 'how long each weight is held, from `1s`; below `10s` a warning',
  }),
  input({
    name: 'steps',
    meaning:
      'instead of `weights` and `interval`: a YAML list of `{weight, interval, approval}`; with `approval: true` the weight is held, and judged, until somebody approves',
  }),
  input({ name: 'metrics', meaning: 'a YAML list of what is compared between canary and stable' }),
  input({
    name: 'prometheus',
    meaning:
      'where the metrics are: `https://…`, `http://…` or `service://NAMESPACE/NAME:PORT` (through the API server)',
  }),
  input({
    name: 'prometheus-headers',
    secret: true,
    inConfigFile: false,
    meaning: 'headers for Prometheus, one `Name: value` per line',
  }),
  input({ name: 'prometheus-ca', meaning: 'certificates that Prometheus is verified with, as PEM' }),
  later('J', 'scrape', 'off', "the pods' own metrics as source"),
  later('J', 'scrape-router', 'off', "the router's own metrics as source"),
  input({
    name: 'kubeconfig',
    default: '$KUBECONFIG, else in-cluster',
    secret: true,
    inConfigFile: false,
    meaning: 'kubeconfig, as a path or as content',
  }),
  input({
    name: 'context',
    default: 'the current context of the kubeconfig',
    inConfigFile: false,
    meaning: 'context of the kubeconfig',
  }),
  input({
    name: 'github-token',
    // In words: the runner refuses an expression anywhere but in the default itself, the description included.
    default: "the job's token",
    actionDefault: GITHUB_TOKEN,
    secret: true,
    inConfigFile: false,
    meaning: 'token for the comment and the commit status; without it both are skipped with one warning',
  }),
  input({
    name: 'comment',
    default: 'auto',
    allowed: ['auto', ...BOOLEAN],
    meaning: 'whether the pull request gets a comment that follows the rollout',
  }),
  input({
    name: 'commit-status',
    default: 'auto',
    allowed: ['auto', ...BOOLEAN],
    meaning: 'whether the head commit gets a status',
  }),
  input({
    name: 'pod-logs',
    default: 'summary; off in public repositories',
    allowed: ['summary', 'comment', 'off'],
    meaning: 'where the last lines of failing canary pods are shown',
  }),
  input({
    name: 'fail-on-rollback',
    default: 'true',
    allowed: BOOLEAN,
    meaning: 'whether a rollback fails the step',
  }),
  input({
    name: 'timeout',
    default: '5h',
    meaning: 'how long the whole rollout may take',
  }),
  input({ name: 'ready-timeout', default: '5m', meaning: 'how long pods may take to be ready' }),
  input({
    name: 'drain',
    default: '30s',
    meaning: 'how long the old path is left alone where it cannot be seen whether it is empty',
  }),
  input({
    name: 'no-data-timeout',
    default: '5m',
    meaning: 'how long missing data may hold a step before it is rolled back as "could not be judged"',
  }),
  later('C', 'allow', null, 'hazards to turn from a rejection into a warning, one per line'),
  later('C', 'copy', null, 'kinds to copy for the canary and to remove at the end'),
  later(
    'C',
    'promote-at',
    '100',
    '`100`: all traffic to the canary, then stable is updated; `last-step`: stable is updated at the last weight',
  ),
  input({
    name: 'until',
    marker: 'S',
    meaning:
      'one of the weights, or `promotion`: the job ends there as `paused`, for a later job to `resume`; for `resume` itself only the input counts, not the config file',
  }),
  input({
    name: 'hold',
    marker: 'S',
    default: '1h',
    meaning:
      'how long the rollout may be paused, at most `24h`; then it is rolled back, or, after `until: promotion`, brought to the safe end that fits what stable runs',
  }),
  input({
    name: 'lock-wait',
    marker: 'S',
    default: '0s',
    meaning: 'how long to wait for another rollout of the Deployment, instead of being rejected at once',
  }),
  input({
    name: 'on-cancel',
    marker: 'S',
    default: 'rollback',
    allowed: ['rollback', 'keep'],
    meaning: 'what a cancelled workflow run does: `rollback` returns the traffic, `keep` leaves the rollout `paused`',
  }),
  input({
    name: 'on-expired',
    marker: 'S',
    default: 'resume',
    allowed: ['resume', 'rollback'],
    meaning:
      'what a run does that finds a rollout of the same image whose runner died: `resume` goes on with its evidence, `rollback` returns its traffic first and starts anew',
  }),
  input({
    name: 'watchdog-image',
    marker: 'S',
    default: 'off',
    inConfigFile: false,
    meaning:
      'image with kubectl and a shell, pinned by `@sha256:…`: a Job in the cluster that returns the traffic when the runner falls silent',
  }),
  input({
    name: 'watchdog-service-account',
    marker: 'S',
    inConfigFile: false,
    meaning: 'ServiceAccount of that Job, needed with `watchdog-image`; `command: plan` prints the Role it must have',
  }),
  input({
    name: 'watchdog-after',
    marker: 'S',
    default: '60s',
    inConfigFile: false,
    meaning: 'how long the runner may be silent before the watchdog acts, from `30s`, which is how long a lock lasts',
  }),
  input({
    name: 'approvers',
    marker: 'S',
    default: 'whoever may send commands',
    meaning: 'logins that may approve a step with `approval`, and `promote`; comma or newline',
  }),
  input({
    name: 'self-approval',
    marker: 'S',
    default: 'true',
    allowed: BOOLEAN,
    meaning: 'whether who started the rollout may approve it',
  }),
  input({
    name: 'approval-timeout',
    marker: 'S',
    default: '1h',
    meaning: 'how long a step waits for its approval; then the rollout is rolled back',
  }),
  later('J', 'odds', 'balanced', 'preset of the judgement: `strict`, `balanced` or `fast`'),
  later('J', 'require-evidence', null, 'how much evidence a step needs before it ends'),
  later('J', 'ignore-first', '0s', 'how long after a change of weight nothing is judged'),
  later('J', 'min-requests', '20', 'requests of the canary below which nothing is judged'),
  later('J', 'mode', 'decide', '`decide`, or `dry-run` which only reports'),
];

const WORKING: readonly Marker[] = ['M', 'S'];

/** The inputs that work in this version; the others are known by name and refused. */
export const works = (definition: InputDefinition): boolean => WORKING.includes(definition.marker);

export const inputNamed = (name: string): InputDefinition | null => INPUTS.find((one) => one.name === name) ?? null;

/** The text of action.yml: the meaning, what applies when not given, the closed values, and whether it works yet. */
export const inputDescription = (definition: InputDefinition): string => {
  const sentence = `${definition.meaning.charAt(0).toUpperCase()}${definition.meaning.slice(1)}.`;
  const fallback = definition.default === null ? '' : ` Default: ${definition.default}.`;
  const allowed = definition.allowed === null ? '' : ` One of: ${definition.allowed.join(', ')}.`;
  return `${sentence}${allowed}${fallback}${works(definition) ? '' : ' Not in this version.'}`;
};
