// Side by side with what users run today: the same app, users, proxy, metrics store and plan, judged by Flagger, by Argo
// Rollouts and by the shipped bundle.
//
//   npm run bench:rivals [-- --runs 5 --good 20 --lanes 2 --seed WORD --only KEY,KEY]
//
// `--runs` is how often each bad release is made, `--good` how often the good one, `--lanes` how many apps of each
// contender have good releases at a time. Bad releases come one after another: Traefik begins its turns anew with every
// change of any route or pod, so that releases at the same time keep users from each other's canaries (3.3 % of them get
// to a canary of 5 % when there are three changes a second, measured). Every result is printed as it comes.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { keepBundle } from '../e2e/harness/bundle.ts';
import { createLedger } from '../e2e/harness/claims.ts';
import { startGitHub } from '../e2e/harness/github.ts';
import { createKube } from '../e2e/harness/kube.ts';
import { type Context, untilMeasured } from '../e2e/harness/shop.ts';
import { enterNamespace, isInside } from '../e2e/stack/namespace.ts';
import { RIVAL_DEFINITIONS, startRivals } from '../e2e/stack/rivals.ts';
import { startStack } from '../e2e/stack/stack.ts';
import { argo } from './rivals/argo.ts';
import { type Contender, type Installed, type Judged, RPS } from './rivals/contender.ts';
import { flagger } from './rivals/flagger.ts';
import { watchMachine } from './rivals/machine.ts';
import { withScrape, withStore } from './rivals/ours.ts';
import { goalsOf, KINDS, type Kind, lineOf, type Result, tableOf } from './rivals/results.ts';
import { startUsers, type Users } from './rivals/users.ts';

const CONTENDERS: readonly Contender[] = [flagger, argo(10), argo(2), withStore, withScrape];

/** From the verdict until the last of the canary's answers have come and its pods have gone. */
const SETTLE_MS = 8000;
/** How long stable has had users before its first release. */
const WARM_UP_MS = 30_000;

interface Options {
  readonly contenders: readonly Contender[];
  readonly runs: number;
  readonly good: number;
  readonly lanes: number;
  readonly seed: string;
}

const readOptions = (): Options => {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '5' },
      good: { type: 'string', default: '20' },
      lanes: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 100_000) },
      only: { type: 'string', default: CONTENDERS.map(({ key }) => key).join() },
    },
  });
  const keys = values.only.split(',');
  const unknown = keys.filter((wanted) => !CONTENDERS.some(({ key }) => key === wanted));
  if (unknown.length > 0) {
    throw new Error(`unknown contender: ${unknown} (known: ${CONTENDERS.map(({ key }) => key).join(' ')})`);
  }
  const contenders = CONTENDERS.filter(({ key }) => keys.includes(key));
  const [runs, good, lanes] = [Number(values.runs), Number(values.good), Number(values.lanes)];
  return { contenders, runs, good, lanes, seed: values.seed };
};

interface Lane {
  readonly contender: Contender;
  readonly installed: Installed;
  readonly users: Users;
}

const openLane = async (context: Context, contender: Contender, number: number): Promise<Lane> => {
  const namespace = `${contender.key}-${number}`;
  const installed = await contender.install(context, namespace);
  const users = await startUsers(installed.host, `${context.seed} ${namespace}`);
  await untilMeasured({ namespace });
  return { contender, installed, users };
};

/** One app of each contender. */
const openLanes = async (context: Context, { contenders }: Options, number: number): Promise<readonly Lane[]> => {
  const lanes = await Promise.all(contenders.map((contender) => openLane(context, contender, number)));
  await sleep(WARM_UP_MS);
  return lanes;
};

/** The verdict on a version, and what users saw of it until a while after. */
interface Judging {
  /** Resolves with the verdict. */
  readonly verdict: Promise<unknown>;
  readonly result: Promise<Result>;
}

const judge = ({ contender, installed, users }: Lane, kind: Kind, turn: number): Judging => {
  const version = `${kind.key}${turn}${kind.tag}`;
  const lostBefore = users.lost();
  const verdict = installed
    .release(version)
    .catch((error): Judged => ({ verdict: 'no verdict', reason: String(error) }));
  const settle = async (): Promise<Result> => {
    const judged = await verdict;
    await sleep(SETTLE_MS);
    const result = { contender, kind, ...judged, ...users.of(version), lost: users.lost() - lostBefore };
    console.log(`${kind.what} (${turn}): ${lineOf(result)}`);
    return result;
  };
  return { verdict, result: settle() };
};

/** One release by each lane, each when the one before has its verdict. */
const oneByOne = async (lanes: readonly Lane[], kind: Kind, turn: number): Promise<readonly Result[]> => {
  const load = watchMachine();
  const results: Promise<Result>[] = [];
  for (const lane of lanes) {
    const judging = judge(lane, kind, turn);
    results.push(judging.result);
    await judging.verdict;
  }
  const all = await Promise.all(results);
  console.log(`      one by one: ${load()}`);
  return all;
};

/** One release by each lane at the same time. */
const sideBySide = async (lanes: readonly Lane[], kind: Kind, turn: number): Promise<readonly Result[]> => {
  const load = watchMachine();
  const results = await Promise.all(lanes.map((lane) => judge(lane, kind, turn).result));
  console.log(`      ${lanes.length} releases side by side: ${load()}`);
  return results;
};

const endAll = async (lanes: readonly Lane[]): Promise<void> => {
  const reports = await Promise.all(lanes.map(({ users }) => users.end()));
  const late = Math.max(...reports.map(({ maxLateMs }) => maxLateMs));
  const p99 = Math.max(...reports.map(({ p99Ms }) => p99Ms));
  const notSent = reports.reduce((sum, report) => sum + report.notSent, 0);
  console.log(`      the load: late by at most ${late} ms, p99 at most ${p99} ms, ${notSent} not sent`);
};

const compete = async (context: Context, options: Options): Promise<readonly Result[]> => {
  const results: Result[] = [];
  const lanes = [...(await openLanes(context, options, 1))];
  for (const kind of KINDS.filter(({ key }) => key !== 'good')) {
    for (let turn = 1; turn <= options.runs; turn += 1) results.push(...(await oneByOne(lanes, kind, turn)));
    console.log(`\n${tableOf(results)}\n`);
  }
  const [good] = KINDS.filter(({ key }) => key === 'good');
  for (let more = 2; good && options.good > 0 && more <= options.lanes; more += 1) {
    lanes.push(...(await openLanes(context, options, more)));
  }
  for (let done = 0; good && done < options.good; done += options.lanes) {
    const left = Math.min(options.lanes, options.good - done);
    const turn = done / options.lanes + 1;
    results.push(...(await sideBySide(lanes.slice(0, left * options.contenders.length), good, turn)));
  }
  await endAll(lanes);
  return results;
};

const main = async (options: Options): Promise<void> => {
  const { seed } = options;
  console.log(`seed ${seed}, ${RPS} requests/s to each app, both versions fail 0.5 % of them by themselves`);
  const stack = await startStack(seed, { definitions: RIVAL_DEFINITIONS });
  await startRivals(stack);
  const github = await startGitHub();
  const claims = createLedger(console.log).of('rivals');
  const kube = createKube(stack.certificate, stack.token);
  const context: Context = { stack, github, kube, seed, claims, full: true, only: [] };
  try {
    const results = await compete(context, options);
    console.log(`\n${tableOf(results)}\n\n${goalsOf(results).join('\n')}`);
    const ended = stack.processes.ended();
    console.log(ended.length === 0 ? '' : `ended before their time: ${ended.join(', ')}`);
    await stack.stop({ keepLogs: ended.length > 0 });
  } catch (error) {
    await stack.stop({ keepLogs: true });
    throw new Error(`the logs of the stack are in ${stack.folders.run}`, { cause: error });
  }
  process.exit(0); // Watches and keep-alive connections would hold the process.
};

const prepare = (): void => {
  keepBundle();
  const build = join(import.meta.dirname, '../e2e/stack/build.sh');
  execFileSync(build, ['tier1', 'rivals'], { stdio: ['ignore', 'inherit', 'inherit'] });
};

try {
  const options = readOptions();
  if (!isInside()) prepare();
  if (enterNamespace(import.meta.filename)) await main(options);
} catch (error) {
  console.error(error);
  process.exit(1);
}
