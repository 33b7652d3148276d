import { describe, expect, test } from 'vitest';
import { type Cell, cellsOf, type Decider, GOOD, INDEPENDENT, SHORT } from '../../bench/judgement/cells.ts';
import { type Goal, goalsOf } from '../../bench/judgement/goals.ts';
import { floorOf, harmLimit, type Result } from '../../bench/judgement/results.ts';
import { joined, simulate, type Totals } from '../../bench/judgement/simulate.ts';
import { badTables, goalTable, goodTables } from '../../bench/judgement/table.ts';

const RUNS = 20_000;

const totals = (changes: Partial<Totals>): Totals => ({
  runs: RUNS,
  rolledBack: 0,
  atOnce: 0,
  held: 0,
  reaction: 0,
  promotion: 0,
  harmed: 0,
  harmedSquares: 0,
  phi: RUNS,
  tolerance: RUNS,
  ...changes,
});

const harming = (mean: number): Partial<Totals> => ({ harmed: mean * RUNS, harmedSquares: mean ** 2 * RUNS });

/** A perfect decider beside rivals that roll everything back, slowly. */
const perfect = (cell: Cell, decider: Decider): Totals => {
  const result = { cell, totals: {} };
  if (decider !== 'ours') return totals({ rolledBack: RUNS, ...harming(30 * cell.scenario.rate) });
  if (cell.fault.name === GOOD.name) return totals({ promotion: 300 * RUNS });
  return totals({ rolledBack: RUNS, atOnce: RUNS, reaction: 5 * RUNS, ...harming(floorOf(result).harmed) });
};

const resultsWith = (change: (cell: Cell) => Partial<Totals> | null): readonly Result[] =>
  cellsOf(SHORT).map((cell) => {
    const found = cell.deciders.map((decider) => [decider, perfect(cell, decider)] as const);
    const ours = { ...perfect(cell, 'ours'), ...change(cell) };
    return { cell, totals: { ...Object.fromEntries(found), ours } };
  });

const isIn = (cell: Cell, noise: string, rate: number, base: number, fault: string): boolean =>
  cell.noise === noise && cell.scenario.rate === rate && cell.scenario.base === base && cell.fault.name === fault;

const verdicts = (results: readonly Result[], isShort = false): readonly string[] =>
  goalsOf(results, isShort).flatMap(({ goal, verdict }) => (verdict === 'met' ? [] : [`${goal}: ${verdict}`]));

const only = (goals: readonly Goal[], start: string): Goal => {
  const found = goals.find(({ goal }) => goal.startsWith(start));
  if (found === undefined) throw new Error(`no goal ${start}`);
  return found;
};

describe('the table of goals', () => {
  test('is met by a perfect decider', () => {
    expect(verdicts(resultsWith(() => null))).toEqual([]);
  });

  test('names the worst cell of a missed goal and how many more there are', () => {
    const results = resultsWith((cell) => {
      if (isIn(cell, 'clumps of 3', 100, 0.01, 'good')) return { rolledBack: 400 };
      return isIn(cell, 'clumps of 3', 10, 0.01, 'good') ? { rolledBack: 300 } : null;
    });

    expect(only(goalsOf(results, false), 'G1 good releases rolled back: clumps of 3')).toEqual({
      goal: 'G1 good releases rolled back: clumps of 3',
      limit: '≤ 1 %',
      measured: '2 %',
      where: 'clumps of 3, 100/s, 1 % (and 1 more)',
      cells: 6,
      verdict: 'missed',
    });
  });

  test.each([
    ['G1 good releases rolled back: independent', 'good', { rolledBack: 201 }],
    ['G3 50 % failing: rolled back at the first look, from 100/s on', '50 %', { atOnce: 0.98 * RUNS }],
    ['G4 bad releases missed, where the plan brings 9.5 N* requests', '5x', { rolledBack: 0.94 * RUNS }],
    ['G5 good releases ever held: independent', 'good', { held: 601 }],
  ])('tells that %s is missed', (goal, fault, change) => {
    const results = resultsWith((cell) => (isIn(cell, INDEPENDENT, 1000, 0.01, fault) ? change : null));

    expect(verdicts(results)).toEqual([`${goal}: missed`]);
  });

  test('takes harm above 2.2 times the floor and one tick for a miss of G2', () => {
    const above = (factor: number): readonly Result[] =>
      resultsWith((cell) =>
        isIn(cell, INDEPENDENT, 1000, 0.001, '3x') ? harming(factor * harmLimit({ cell, totals: {} })) : null,
      );

    expect(verdicts(above(0.99))).toEqual([]);
    expect(verdicts(above(1.01))).toEqual(['G2 users harmed: 3x: missed']);
  });

  test('does not ask what no decider can do, and says so', () => {
    const results = resultsWith((cell) => (isIn(cell, INDEPENDENT, 10, 0.01, '5x') ? harming(101) : null));

    expect(verdicts(results)).toContain('G6 fewer harmed than by Flagger 1: 5x: missed');
    const slow = results.map((result) =>
      result.cell.scenario.rate === 10 && result.totals['Flagger 1'] !== undefined
        ? { ...result, totals: { ...result.totals, 'Flagger 1': totals({ rolledBack: RUNS, ...harming(4) }) } }
        : result,
    );
    expect(verdicts(slow)).toContain('G6 fewer harmed than by Flagger 1: 5x: impossible');
  });

  test('is no comparison with a rival that rolls back fewer good releases', () => {
    const results = resultsWith(() => null).map((result) =>
      result.cell.fault.name === GOOD.name && result.totals['Flagger 1'] !== undefined
        ? { ...result, totals: { ...result.totals, ours: totals({ rolledBack: 100 }), 'Flagger 1': totals({}) } }
        : result,
    );

    expect(verdicts(results).every((text) => text.startsWith('G6'))).toBe(true);
    expect(verdicts(results)).toHaveLength(6);
  });

  test('leaves open in the short form what few runs cannot tell', () => {
    const results = resultsWith((cell) =>
      isIn(cell, INDEPENDENT, 1000, 0.01, 'good') ? { runs: 500, rolledBack: 8, promotion: 1, phi: 500 } : null,
    );

    expect(verdicts(results, true)).toEqual(['G1 good releases rolled back: independent: open']);
    expect(verdicts(results, false)).toEqual(['G1 good releases rolled back: independent: missed']);
  });

  test('is printed with every cell that was simulated', () => {
    const results = resultsWith(() => null);

    const text = [goalTable(goalsOf(results, false)), goodTables(results), badTables(results)].join('\n');

    expect(text).not.toMatch(/NaN|undefined|Infinity/);
    for (const { cell } of results) expect(text).toContain(`${cell.scenario.rate}/s`);
    expect(text.match(/^\| 1000\/s, 1 %, 50 %/gm)).toHaveLength(1);
  });
});

describe('the simulation', () => {
  const cell = cellsOf(SHORT).find((one) => isIn(one, INDEPENDENT, 100, 0.01, '5x'));
  if (cell === undefined) throw new Error('no such cell');

  test('gives the same sums for the same seed, and others for another', () => {
    const first = simulate(cell, 30, 'a');

    expect(simulate(cell, 30, 'a')).toEqual(first);
    expect(simulate(cell, 30, 'b')).not.toEqual(first);
    expect(Object.values(first).map(({ runs }) => runs)).toEqual([30, 30, 30, 30, 30]);
  });

  test('adds parts up by decider', () => {
    const sum = joined({ ours: totals({ harmed: 2 }) }, { ours: totals({ harmed: 3 }), 'Argo 0': totals({ held: 1 }) });

    expect(sum.ours).toMatchObject({ runs: 2 * RUNS, harmed: 5 });
    expect(sum['Argo 0']).toMatchObject({ runs: RUNS, held: 1 });
  });

  test('harms fewer users than its rivals by a fault of five times', () => {
    const { ours, 'Flagger 1': flagger, 'Argo 3': argo } = simulate(cell, 100, 'five times');

    expect(ours?.rolledBack).toBe(100);
    expect(3 * (ours?.harmed ?? 0)).toBeLessThan(flagger?.harmed ?? 0);
    expect(20 * (ours?.harmed ?? 0)).toBeLessThan(argo?.harmed ?? 0);
  });
});
