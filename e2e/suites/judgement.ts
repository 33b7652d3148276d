import { setTimeout as sleep } from 'node:timers/promises';
import { type ActionRun, type Inputs, startAction } from '../harness/action.ts';
import { type Case, claimStatus, openCase } from '../harness/case.ts';
import { createGate, type Gate } from '../harness/gate.ts';
import { haveIncident } from '../harness/incident.ts';
import { watchWeights } from '../harness/journal.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import { median } from '../harness/statistics.ts';
import type { Suite } from '../harness/suite.ts';
import { aligned } from '../harness/table.ts';
import type { Answered } from '../harness/traffic.ts';

const APP = 'checkout';
const RPS = 200;
/** What both versions fail, as most apps do. */
const BASE = '0.005';
const INCIDENT = { factor: 8, ms: 30_000 } as const;
/** The share at which the incident begins: users are on both versions. */
const INCIDENT_FROM = 0.1;
/** Two cores carry so many releases under load at a time. */
const SIDE_BY_SIDE = 4;
/** Where the harm is to be quoted: Traefik begins its turns anew with every change of any route, which keeps users from canaries. */
const ALONE = 1;
/** How long stable has had users, where there is time: how its failures come is read from its past. */
const WARM_UP_MS = 30_000;

const METRICS = `
- name: errors
  requests: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}"}
  failures: http_requests_total{namespace="{{namespace}}", pod=~"{{pods}}", code=~"5.."}
`;

interface Release {
  readonly name: string;
  readonly what: string;
  readonly version: string;
  readonly incident: boolean;
  /** Null where chance may decide. */
  readonly verdict: 'promoted' | 'rolled-back' | null;
  readonly short: boolean;
}

const RELEASES: readonly Release[] = [
  {
    name: 'worst',
    what: 'fails 50 % more',
    version: '2.0-bad50',
    incident: false,
    verdict: 'rolled-back',
    short: true,
  },
  { name: 'bad', what: 'fails 5 % more', version: '2.0-bad5', incident: false, verdict: 'rolled-back', short: true },
  { name: 'worse', what: 'fails 1 % more', version: '2.0-bad1', incident: false, verdict: null, short: false },
  { name: 'good', what: 'as good as stable', version: '2.0', incident: false, verdict: 'promoted', short: true },
  {
    name: 'incident',
    what: 'as good, both fail 8x for 30 s',
    version: '2.0',
    incident: true,
    verdict: 'promoted',
    short: true,
  },
];

interface Outcome {
  readonly release: Release;
  readonly status: string;
  /** Requests that failed on the canary, counted at the client. */
  readonly harmed: number;
  /** From the first request that the canary answered to the last. */
  readonly exposedMs: number;
}

const inputsOf = ({ full }: Context, { shop }: Case, { version }: Release): Inputs => ({
  ...releaseInputs(shop, imageOf(APP, version), APP),
  metrics: METRICS,
  weights: '5, 10, 20, 50, 80',
  interval: full ? '10s' : '8s',
});

const routeOf = (namespace: string) => httpRoute(namespace, APP, [{ backendRefs: [{ name: APP, port: 80 }] }]);

const objectsOf = (namespace: string) => [
  deployment({ namespace, name: APP, version: '1.0', podAnnotations: { 'farm/error-rate': BASE } }),
  service(namespace, APP),
  routeOf(namespace),
];

/** Runs the release; an incident comes over both versions when the canary has had users for a while. */
const runRelease = async (context: Context, opened: Case, release: Release): Promise<ActionRun> => {
  const { namespace } = opened.shop;
  const action = startAction(inputsOf(context, opened, release), context.github.url);
  if (!release.incident) return action.done;
  const weights = await watchWeights(context.kube, routeOf(namespace), `${APP}-canary`);
  let isOver = false;
  const ended = action.done.finally(() => {
    isOver = true;
  });
  const hasUsers = (): boolean => weights.held().some(({ weight }) => weight >= INCIDENT_FROM);
  while (!isOver && !hasUsers()) await sleep(50);
  weights.stop();
  context.claims.claim('the incident comes while both versions have users', !isOver, namespace);
  await Promise.all([haveIncident(namespace, INCIDENT.factor, INCIDENT.ms), ended]);
  return ended;
};

const harmOf = (answers: readonly Answered[], version: string): Pick<Outcome, 'harmed' | 'exposedMs'> => {
  const own = answers.filter((answer) => answer.version === version);
  const sentAt = own.map((answer) => answer.sentAt);
  const exposedMs = own.length === 0 ? 0 : Math.round(Math.max(...sentAt) - Math.min(...sentAt));
  return { harmed: own.filter(({ code }) => code >= 500).length, exposedMs };
};

/** The app's own failures are 500s; whatever else is no good answer was lost on the way. */
const lostOnTheWay = (answers: readonly Answered[]): readonly Answered[] =>
  answers.filter(({ code }) => code !== 200 && code !== 500);

const judge = async (context: Context, release: Release, turn: number, releasing: Gate): Promise<Outcome> => {
  const { claims } = context;
  const namespace = `judged-${release.name}-${turn}`;
  const opened = await openCase(context, { namespace, objects: objectsOf(namespace), rps: RPS });
  if (context.full) await sleep(WARM_UP_MS);
  const leave = await releasing.enter();
  const run = await runRelease(context, opened, release).finally(leave);
  const { sent, notSent } = await opened.traffic.end();

  const status = run.outputs['status'] ?? '';
  if (release.verdict === 'promoted') claimStatus(context, run, 'promoted', 'completed', 0);
  else if (release.verdict === 'rolled-back') claimStatus(context, run, 'rolled-back', 'metric-failed', 1);
  const { answers } = opened.traffic;
  const lost = lostOnTheWay(answers);
  claims.figure({ kind: 'requests', sent, lost: lost.length + notSent });
  claims.claim('nothing is lost but what the app fails', lost.length + notSent === 0, lost.slice(0, 3));
  const harm = harmOf(answers, release.version);
  if (status === 'rolled-back') {
    claims.figure({ kind: 'latency', what: 'exposed', ms: harm.exposedMs });
    claims.note(`${release.what} (${turn})`, `${harm.harmed} harmed in ${harm.exposedMs} ms: ${run.outputs['reason']}`);
  }
  return { release, status, ...harm };
};

const count = (values: readonly string[]): string =>
  [...new Set(values)].map((value) => `${values.filter((one) => one === value).length} ${value}`).join(', ');

const range = (values: readonly number[], unit: string): string =>
  values.length === 0 ? '' : `${median(values)}${unit} (${Math.min(...values)} to ${Math.max(...values)})`;

const HEAD = ['the release', 'verdicts', 'requests harmed, median', 'from first to last canary request, median'];

const rowOf = (release: Release, outcomes: readonly Outcome[]): readonly string[] => {
  const own = outcomes.filter((outcome) => outcome.release === release);
  const back = own.filter(({ status }) => status === 'rolled-back');
  return [
    release.what,
    count(own.map(({ status }) => status)),
    range(
      back.map(({ harmed }) => harmed),
      '',
    ),
    range(
      back.map(({ exposedMs }) => Math.round(exposedMs / 100) / 10),
      ' s',
    ),
  ];
};

/** Each release as often as there are turns, so many at a time; the next one's users are there already. */
const judgeAll = (
  context: Context,
  releases: readonly Release[],
  turns: readonly number[],
  width: number,
): Promise<readonly Outcome[]> => {
  const releasing = createGate(width);
  const open = createGate(width + 1);
  const one = async (release: Release, turn: number): Promise<Outcome> => {
    const leave = await open.enter();
    return judge(context, release, turn, releasing).finally(leave);
  };
  return Promise.all(turns.flatMap((turn) => releases.map((release) => one(release, turn))));
};

export const judgement: Suite = {
  name: 'judgement',
  title: 'bad releases go back as soon as the evidence is there; good ones are promoted, also in an incident',
  alone: true,
  run: async (context) => {
    const releases = RELEASES.filter(({ short }) => context.full || short);
    const turns = context.full ? [1, 2, 3, 4, 5] : [1];
    const good = releases.filter(({ verdict }) => verdict === 'promoted');
    const bad = releases.filter(({ verdict }) => verdict !== 'promoted');
    const outcomes = context.full
      ? [...(await judgeAll(context, bad, turns, ALONE)), ...(await judgeAll(context, good, turns, SIDE_BY_SIDE))]
      : await judgeAll(context, releases, turns, SIDE_BY_SIDE);
    const rows = releases.map((release) => rowOf(release, outcomes));
    context.claims.print(`\n${RPS} requests/s, both versions fail 0.5 %\n${aligned([HEAD, ...rows])}\n`);
  },
};
