import { cellsOf, FULL, SHORT } from './judgement/cells.ts';
import { type Goal, goalsOf } from './judgement/goals.ts';
import { simulateAll } from './judgement/pool.ts';
import { badTables, goalTable, goodTables } from './judgement/table.ts';

/** Simulated releases through the real decider and models of its rivals, one table. What it means: bench/README.md. */
const SEED = 'canary-rollout';

const VERDICTS = ['met', 'missed', 'open', 'impossible'] as const satisfies readonly Goal['verdict'][];

const USAGE = 'usage: node bench/judgement.ts [--short] [--seed TEXT]';

const parse = (words: readonly string[]): { readonly isShort: boolean; readonly seed: string } => {
  const at = words.indexOf('--seed');
  const seed = at < 0 ? SEED : words[at + 1];
  const unknown = words.find((word, index) => word !== '--short' && (at < 0 || (index !== at && index !== at + 1)));
  if (unknown !== undefined || seed === undefined) throw new Error(`${unknown ?? '--seed'}: not understood. ${USAGE}`);
  return { isShort: words.includes('--short'), seed };
};

const main = async (): Promise<void> => {
  const { isShort, seed } = parse(process.argv.slice(2));
  const runs = isShort ? SHORT : FULL;
  const cells = cellsOf(runs);
  const started = performance.now();
  const totals = await simulateAll(cells, seed);
  const results = cells.map((cell, index) => ({ cell, totals: totals[index] ?? {} }));
  const goals = goalsOf(results, isShort);
  const seconds = Math.round((performance.now() - started) / 1_000);
  const { user, system } = process.cpuUsage();
  const processor = Math.round((user + system) / 1e6);
  const size = `${runs.good} good and ${runs.bad} bad releases a cell, ${runs.unasked} good ones in noise beyond the goals`;
  process.stdout.write(
    `## Judgement, simulated\n\n${isShort ? 'Short' : 'Full'} form: ${size}; seed \`${seed}\`; ${seconds} s, ${processor} s of processor time.\n\n` +
      [goalTable(goals), goodTables(results), badTables(results)].join('\n'),
  );
  const counts = VERDICTS.map((name) => `${goals.filter(({ verdict }) => verdict === name).length} ${name}`);
  process.stdout.write(`\nOf ${goals.length} goals: ${counts.join(', ')}.\n`);
};

await main();
