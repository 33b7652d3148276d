import { oddsOf } from '../../src/core/evidence.ts';
import { ODDS, settingsOf } from '../../src/core/judgement.ts';
import type { Calibration } from '../../src/core/plan.ts';
import { ERRORS, ours } from './ours.ts';
import { type Ending, INTERVAL, WEIGHTS } from './ramp.ts';
import { createRandom } from './random.ts';
import { CALM, createWorld, drawPods, type Scenario, STABLE_PODS } from './world.ts';

const SCENARIO: Scenario = { ...CALM, rate: 100, base: 0.01 };
const CALIBRATION: Calibration = { phi: 1, tolerance: 1.1, bounds: [], part: 1, history: null };

/** One release: its evidence by second. */
interface Course {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [seconds: number, odds: number])[];
  readonly ending: Ending;
}

/** Seeds of releases that went as most do. */
const RELEASES = [
  { name: 'good', ratio: 0.01, colour: '#1a7f37', seed: 'good 3' },
  { name: '2x', ratio: 0.02, colour: '#9a6700', seed: '2x 1' },
  { name: '5x', ratio: 0.05, colour: '#bc4c00', seed: '5x 9' },
  { name: '50 % fail', ratio: 0.5, colour: '#cf222e', seed: 'half 1' },
] as const;

const courseOf = ({ name, ratio, colour, seed }: (typeof RELEASES)[number]): Course => {
  const random = createRandom(seed);
  const settings = settingsOf(ERRORS, CALIBRATION, WEIGHTS.length, null);
  const points: [number, number][] = [[0, 1]];
  const world = createWorld(SCENARIO, drawPods(STABLE_PODS, SCENARIO, random), ratio, random);
  const ending = ours(world, random, 0, CALIBRATION, ({ seconds, stream }) => {
    points.push([seconds, oddsOf(stream.evidence, settings)]);
  });
  return { name, colour, points, ending };
};

const [WIDTH, HEIGHT] = [820, 420];
const PLOT = { left: 64, right: 690, top: 44, bottom: 352 };
const LEAST = 0.01;
const MOST = 1_000;
const END = WEIGHTS.length * INTERVAL;

const x = (seconds: number): string =>
  (PLOT.left + (Math.min(seconds, END) / END) * (PLOT.right - PLOT.left)).toFixed(1);

const y = (odds: number): string => {
  const part = Math.log(Math.min(MOST, Math.max(LEAST, odds)) / LEAST) / Math.log(MOST / LEAST);
  return (PLOT.bottom - part * (PLOT.bottom - PLOT.top)).toFixed(1);
};

const text = (left: string | number, top: string | number, words: string, more = ''): string =>
  `<text x="${left}" y="${top}"${more}>${words}</text>`;

const steps = (): readonly string[] =>
  WEIGHTS.flatMap((weight, step) => {
    const [from, to] = [x(step * INTERVAL), x((step + 1) * INTERVAL)];
    const fill = step % 2 === 0 ? '#f6f8fa' : '#ffffff';
    const height = PLOT.bottom - PLOT.top;
    return [
      `<rect x="${from}" y="${PLOT.top}" width="${(Number(to) - Number(from)).toFixed(1)}" height="${height}" fill="${fill}"/>`,
      text(((Number(from) + Number(to)) / 2).toFixed(1), PLOT.top - 10, `${weight * 100} %`, ' text-anchor="middle"'),
    ];
  });

const axes = (): readonly string[] => [
  ...[0.01, 0.1, 1, 10, 100, 1_000].flatMap((odds) => [
    `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(odds)}" y2="${y(odds)}" stroke="#d0d7de"/>`,
    text(PLOT.left - 8, Number(y(odds)) + 4, String(odds), ' text-anchor="end"'),
  ]),
  ...[0, 60, 120, 180, 240, 300].map((seconds) =>
    text(x(seconds), PLOT.bottom + 20, `${seconds} s`, ' text-anchor="middle"'),
  ),
  text(PLOT.left - 48, PLOT.top - 28, 'times likelier if the canary is worse', ' font-weight="600"'),
  text(PLOT.right, PLOT.top - 28, 'weight', ' text-anchor="end" font-weight="600"'),
];

const limits = (): readonly string[] =>
  [
    [ODDS.balanced.rollbackOdds, 'roll back', '#cf222e'],
    [ODDS.balanced.holdOdds, 'hold', '#9a6700'],
  ].flatMap(([odds, name, colour]) => [
    `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(Number(odds))}" y2="${y(Number(odds))}" stroke="${colour}" stroke-dasharray="6 4"/>`,
    text(PLOT.right + 8, Number(y(Number(odds))) + 4, `${odds}: ${name}`, ` fill="${colour}"`),
  ]);

const line = ({ points, colour, ending }: Course): readonly string[] => {
  const path = points.map(([seconds, odds]) => `${x(seconds)},${y(odds)}`).join(' ');
  const [seconds, odds] = points.at(-1) ?? [0, 1];
  const end = ending.rolledBack ? `<circle cx="${x(seconds)}" cy="${y(odds)}" r="5" fill="${colour}"/>` : '';
  return [`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`, end];
};

const legend = (courses: readonly Course[]): readonly string[] =>
  courses.map(({ name, colour, ending }, index) => {
    const what = ending.rolledBack
      ? `back after ${ending.seconds} s, ${ending.harmed} requests failed`
      : `promoted after ${ending.seconds} s`;
    const [column, row] = [index % 2, Math.floor(index / 2)];
    return text(PLOT.left + column * 340, PLOT.bottom + 44 + row * 18, `● ${name}: ${what}`, ` fill="${colour}"`);
  });

/** Evidence by time of four simulated releases, as an SVG: 100 requests/s, of which 1 % fail on stable. */
export const drawPicture = (): string => {
  const courses = RELEASES.map(courseOf);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, sans-serif" font-size="13" fill="#1f2328">`,
    '<title>Evidence against four simulated releases</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="6" fill="#ffffff"/>`,
    ...steps(),
    ...axes(),
    ...limits(),
    ...courses.flatMap(line),
    ...legend(courses),
    '</svg>',
    '',
  ].join('\n');
};
