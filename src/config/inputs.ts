import { COPIED_KINDS } from '../core/spec.ts';
import { COMMANDS } from './commands.ts';
import { type InputDefinition, input } from './input-definition.ts';
import { MODES, ODDS } from './judgement.ts';

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
  input({
    name: 'manifest',
    meaning:
      'a file of the workspace with a Deployment of the same name and selector, whose pod template is the new version; what `kustomize build` or `helm template` prints is fine too; `image` is then optional, and is put into it',
  }),
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
  input({
    name: 'canary-deployment',
    default: '<deployment>-canary, created',
    meaning: 'an existing Deployment to use as the canary; scaled back at the end, not deleted',
  }),
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
  input({
    name: 'scrape',
    default: 'off',
    meaning:
      "the pods' own metrics as source, read every second: `:PORT/PATH`, such as `:9102/metrics` or `:http-metrics/metrics` (a named port), `auto` (by the annotations `prometheus.io/…`) or `off`; for counters and histograms, alone or beside `prometheus`; pods whose addresses do not answer are read through the API server, which needs the right to `get` `pods/proxy`",
  }),
  input({
    name: 'scrape-router',
    default: 'off',
    meaning:
      'the metrics of the pods of the router as source: `service://NAMESPACE/NAME:PORT/PATH`, or `off`; the router sees failures that the pods never see',
  }),
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
  input({
    name: 'allow',
    meaning:
      'objects and hazards that are only warned of, as the refusal names them: `NetworkPolicy/deny-all`, `drift`; one per line',
  }),
  input({
    name: 'copy',
    meaning: `kinds of which the canary gets copies, removed at the end: ${COPIED_KINDS.map((kind) => `\`${kind}\``).join(', ')}; comma or newline`,
  }),
  input({
    name: 'promote-at',
    default: '100',
    meaning:
      '`100`: all traffic to the canary, then stable is updated; `last-step`: stable is updated in place while the canary has the last weight, without a second full set of pods',
  }),
  input({
    name: 'until',
    meaning:
      'one of the weights, or `promotion`: the job ends there as `paused`, for a later job to `resume`; for `resume` itself only the input counts, not the config file',
  }),
  input({
    name: 'hold',
    default: '1h',
    meaning:
      'how long the rollout may be paused, at most `24h`; then it is rolled back, or, after `until: promotion`, brought to the safe end that fits what stable runs',
  }),
  input({
    name: 'lock-wait',
    default: '0s',
    meaning: 'how long to wait for another rollout of the Deployment, instead of being rejected at once',
  }),
  input({
    name: 'on-cancel',
    default: 'rollback',
    allowed: ['rollback', 'keep'],
    meaning: 'what a cancelled workflow run does: `rollback` returns the traffic, `keep` leaves the rollout `paused`',
  }),
  input({
    name: 'on-expired',
    default: 'resume',
    allowed: ['resume', 'rollback'],
    meaning:
      'what a run does that finds a rollout of the same image whose runner died: `resume` goes on with its evidence, `rollback` returns its traffic first and starts anew',
  }),
  input({
    name: 'watchdog-image',
    default: 'off',
    inConfigFile: false,
    meaning:
      'image with kubectl and a shell, pinned by `@sha256:…`: a Job in the cluster that returns the traffic when the runner falls silent',
  }),
  input({
    name: 'watchdog-service-account',
    inConfigFile: false,
    meaning: 'ServiceAccount of that Job, needed with `watchdog-image`; `command: plan` prints the Role it must have',
  }),
  input({
    name: 'watchdog-after',
    default: '60s',
    inConfigFile: false,
    meaning: 'how long the runner may be silent before the watchdog acts, from `30s`, which is how long a lock lasts',
  }),
  input({
    name: 'approvers',
    default: 'whoever may send commands',
    meaning: 'logins that may approve a step with `approval`, and `promote`; comma or newline',
  }),
  input({
    name: 'self-approval',
    default: 'true',
    allowed: BOOLEAN,
    meaning: 'whether who started the rollout may approve it',
  }),
  input({
    name: 'approval-timeout',
    default: '1h',
    meaning: 'how long a step waits for its approval; then the rollout is rolled back',
  }),
  input({
    name: 'odds',
    default: 'balanced',
    allowed: ODDS,
    meaning:
      'how sure a judgement on evidence must be: the canary is rolled back when it is 100 (`strict`), 30 (`balanced`) or 20 (`fast`) times likelier that it is worse than stable, and a weight is held from 10, 5 or 5 times on',
  }),
  input({
    name: 'require-evidence',
    meaning:
      'before it is promoted, the canary must be shown, at 95 %, not to fail so many times as often as stable: a multiple such as `3x`, from `1.1x` to `100x`',
  }),
  input({
    name: 'ignore-first',
    default: '0s',
    meaning: 'how long what a new pod counts is not judged, from when it is first seen: for pods that start cold',
  }),
  input({
    name: 'min-requests',
    default: '20',
    meaning: 'requests that the canary must have had in a step before the step ends',
  }),
  input({
    name: 'mode',
    default: 'decide',
    allowed: MODES,
    meaning:
      '`decide`, or `dry-run`: every metric is judged and reported, and none rolls the canary back; what else goes wrong still does',
  }),
];

export const inputNamed = (name: string): InputDefinition | null => INPUTS.find((one) => one.name === name) ?? null;

/** The text of action.yml: the meaning, the closed values, and what applies when not given. */
export const inputDescription = (definition: InputDefinition): string => {
  const sentence = `${definition.meaning.charAt(0).toUpperCase()}${definition.meaning.slice(1)}.`;
  const fallback = definition.default === null ? '' : ` Default: ${definition.default}.`;
  const allowed = definition.allowed === null ? '' : ` One of: ${definition.allowed.join(', ')}.`;
  return `${sentence}${allowed}${fallback}`;
};
