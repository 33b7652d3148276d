import { markdownTable } from 'markdown-table';
import { BASES, DECIDERS, FAULTS, INDEPENDENT, NOISES, RATES } from './cells.ts';
import type { Goal } from './goals.ts';
import {
  calibration,
  floorOf,
  harmed,
  harmLimit,
  held,
  isGood,
  missed,
  offered,
  percent,
  promotion,
  type Result,
  ran,
  reaction,
  rolledBack,
} from './results.ts';

const titled = (title: string, rows: readonly (readonly string[])[]): string =>
  `### ${title}\n\n${markdownTable(rows.map((row) => [...row]))}\n`;

export const goalTable = (goals: readonly Goal[]): string =>
  titled('Goals', [
    ['goal', 'limit', 'worst cell', 'where', 'cells', ''],
    ...goals.map(({ goal, limit, measured, where, cells, verdict }) => [
      goal,
      limit,
      measured,
      where,
      String(cells),
      verdict,
    ]),
  ]);

const PLACES = RATES.flatMap((rate) => BASES.map((base) => ({ rate, base })));
const placeNames = PLACES.map(({ rate, base }) => `${rate}/s, ${percent(base)}`);

type Show = (result: Result) => string;

/** One row for each name, one column for each rate and base. */
const grid = <Name extends string>(
  results: readonly Result[],
  names: readonly Name[],
  isIn: (result: Result, name: Name) => boolean,
  show: (result: Result, name: Name) => string,
): readonly (readonly string[])[] =>
  names.map((name) => [
    name,
    ...PLACES.map(({ rate, base }) => {
      const found = results.find(
        (result) => isIn(result, name) && result.cell.scenario.rate === rate && result.cell.scenario.base === base,
      );
      return found === undefined ? '' : show(found, name);
    }),
  ]);

const byNoise = (title: string, results: readonly Result[], show: Show): string =>
  titled(title, [
    ['', ...placeNames],
    ...grid(
      results,
      NOISES.map(({ name }) => name),
      ({ cell }, name) => cell.noise === name,
      show,
    ),
  ]);

const share = (value: number): string => percent(value, 2);

export const goodTables = (results: readonly Result[]): string => {
  const good = results.filter(isGood);
  const byDecider = (noise: string): string =>
    titled(`Good releases rolled back, by decider: ${noise}`, [
      ['', ...placeNames],
      ...grid(
        good.filter(({ cell }) => cell.noise === noise),
        DECIDERS,
        (result, name) => ran(result, name),
        (result, name) => share(rolledBack(result, name).value),
      ),
    ]);
  return [
    byNoise('Good releases: rolled back / ever held / seconds to promotion', good, (result) =>
      [share(rolledBack(result, 'ours').value), share(held(result).value), promotion(result).toFixed(0)].join(' / '),
    ),
    byNoise('phi and tolerance found in 15 minutes of history (means)', good, (result) => {
      const { phi, tolerance } = calibration(result);
      return `${phi.toFixed(1)} / ${tolerance.toFixed(2)}`;
    }),
    byDecider(INDEPENDENT),
    byDecider('incident of 8x'),
  ].join('\n');
};

export const badTables = (results: readonly Result[]): string => {
  const bad = results.filter((result) => !isGood(result));
  const calm = bad.filter(({ cell }) => cell.noise === INDEPENDENT);
  const times = bad.filter(({ cell }) => cell.fault.name === '5x');
  return [
    titled('Bad releases: failed requests of users, by decider (missed)', [
      ['', 'N* offered', "Wald's floor", 'G2 limit', ...DECIDERS, 'our seconds', 'ever held'],
      ...PLACES.flatMap(({ rate, base }) =>
        FAULTS.flatMap(({ name }) =>
          calm
            .filter(
              ({ cell: { scenario, fault } }) =>
                scenario.rate === rate && scenario.base === base && fault.name === name,
            )
            .map(badRow),
        ),
      ),
    ]),
    byNoise('5x: failed requests of users / missed, by noise', times, (result) => {
      const { value } = harmed(result, 'ours');
      return `${value.toFixed(1)} / ${share(missed(result, 'ours').value)}`;
    }),
  ].join('\n');
};

const badRow = (result: Result): readonly string[] => {
  const { scenario, fault } = result.cell;
  const floor = floorOf(result).harmed;
  const byDecider = DECIDERS.map((decider) => {
    const { value } = harmed(result, decider);
    const isOurs = decider === 'ours' ? `, ${(value / floor).toFixed(1)}x` : '';
    const miss = missed(result, decider).value;
    return `${count(value)}${isOurs}${miss === 0 ? '' : ` (${share(miss)})`}`;
  });
  const seconds = reaction(result, 'ours');
  return [
    `${scenario.rate}/s, ${percent(scenario.base)}, ${fault.name}`,
    `${count(offered(result))}x`,
    floor.toFixed(1),
    harmLimit(result).toFixed(1),
    ...byDecider,
    seconds === null ? '' : seconds.toFixed(0),
    share(held(result).value),
  ];
};

const count = (value: number): string => (value < 100 ? value.toFixed(1) : value.toFixed(0));
