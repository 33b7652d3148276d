// End-to-end tests: the shipped bundle against a real control plane, data plane and Prometheus, with the traffic counted
// from outside.
//
//   npm run e2e [-- SUITE... --full --seed WORD --only CASE --list]
//
// Everything lives in a network namespace of its own: nothing leaves it, and two runs on one machine do not meet.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keepBundle } from './harness/bundle.ts';
import { createLedger, type Ledger } from './harness/claims.ts';
import { startGitHub } from './harness/github.ts';
import { createKube } from './harness/kube.ts';
import type { Context } from './harness/shop.ts';
import type { Suite } from './harness/suite.ts';
import { table } from './harness/table.ts';
import { enterNamespace, isInside } from './stack/namespace.ts';
import { startStack } from './stack/stack.ts';
import { SUITES } from './suites/index.ts';

/** Suites have namespaces of their own, and cases side by side themselves: with more than this, two cores hold requests up for seconds. */
const SIDE_BY_SIDE = 2;

interface Options {
  readonly suites: readonly Suite[];
  readonly full: boolean;
  readonly seed: string;
  readonly only: readonly string[];
}

const readOptions = (): Options => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      full: { type: 'boolean', default: false },
      seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 100_000) },
      list: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
    },
  });
  if (values.list) {
    for (const { name, title } of SUITES) console.log(`${name.padEnd(14)} ${title}`);
    process.exit(0);
  }
  const unknown = positionals.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    throw new Error(`unknown suite: ${unknown.join(', ')} (known: ${SUITES.map(({ name }) => name).join(' ')})`);
  }
  const suites = SUITES.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  return { suites, full: values.full, seed: values.seed, only: values.only };
};

const seconds = (since: number): string => `${((Date.now() - since) / 1000).toFixed(1)} s`;

const runSuite = async (suite: Suite, context: Omit<Context, 'claims'>, ledger: Ledger): Promise<void> => {
  const claims = ledger.of(suite.name);
  const started = Date.now();
  try {
    await suite.run({ ...context, claims });
  } catch (error) {
    const cause = error instanceof Error && error.cause ? ` (${error.cause})` : '';
    claims.claim('it runs to its end', false, `${error instanceof Error ? error.stack : error}${cause}`);
  }
  ledger.took(suite.name, (Date.now() - started) / 1000);
};

/** As many at a time as `width`, in order. */
const runAll = async (suites: readonly Suite[], width: number, run: (suite: Suite) => Promise<void>): Promise<void> => {
  const waiting = [...suites];
  const lane = async (): Promise<void> => {
    for (let suite = waiting.shift(); suite; suite = waiting.shift()) await run(suite);
  };
  await Promise.all(Array.from({ length: width }, lane));
};

const main = async ({ suites, full, seed, only }: Options): Promise<void> => {
  const started = Date.now();
  console.log(`seed ${seed}, ${full ? 'full' : 'short'} form`);
  const stack = await startStack(seed);
  console.log(`      stack: up in ${seconds(started)}`);
  const github = await startGitHub();
  const ledger = createLedger(console.log);
  const context = { stack, github, kube: createKube(stack.certificate, stack.token), seed, full, only };
  const run = (suite: Suite): Promise<void> => runSuite(suite, context, ledger);
  const isAlone = ({ alone }: Suite): boolean => (alone === 'full' ? full : alone);
  await runAll(
    suites.filter((suite) => !isAlone(suite)),
    SIDE_BY_SIDE,
    run,
  );
  await runAll(suites.filter(isAlone), 1, run);
  const ended = stack.processes.ended();
  ledger
    .of('stack')
    .claim('every component is still up', ended.length === 0, ended.join(', ') || stack.processes.memory());
  const keepLogs = ledger.failed() > 0;
  await stack.stop({ keepLogs });
  github.stop();
  console.log(`\n${table(ledger.accounts())}\n`);
  if (keepLogs) console.log(`      logs of the stack: ${stack.folders.run}/logs`);
  console.log(`${ledger.passed()} passed, ${ledger.failed()} failed in ${seconds(started)}`);
  process.exit(ledger.failed() === 0 ? 0 : 1); // Watches and keep-alive connections would hold the process.
};

const prepare = (): void => {
  keepBundle();
  execFileSync(join(import.meta.dirname, 'stack/build.sh'), { stdio: ['ignore', 'ignore', 'inherit'] });
};

try {
  const options = readOptions();
  if (!isInside()) prepare();
  if (enterNamespace(import.meta.filename)) await main(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
