import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Bench } from '../../src/core/judgement.ts';
import { calibrationOf, formatOdds } from '../../src/core/judgement.ts';
import type { MetricVerdict } from '../../src/core/rollout.ts';
import { type Counts, SLOW, type Told, verdictsOn } from './bench.ts';
import { ERRORS, JUDGEMENT } from './plan.ts';

type Row = readonly [title: string, told: Told | readonly Told[], change?: Partial<Bench>];

const on = (
  [k, n]: readonly [number, number],
  [m, all]: readonly [number, number],
  change: Partial<Counts> = {},
): Counts => ({ subject: [k, n], reference: [m, all], ...change });
const saw = (
  canary: readonly [number, number],
  stable: readonly [number, number],
  change: Partial<Told> = {},
): Told => ({
  ticks: [on(canary, stable)],
  ...change,
});

const CEILING = { ...ERRORS, ceiling: 0.02 };
const SLO = { ...ERRORS, ceiling: 0.0144, slo: { objective: 0.999, burnRate: 14.4 } };
const FLOOR = { ...ERRORS, floor: 0.005 };
const DRY = { ...ERRORS, dryRun: true };
const TWO = { errors: { ...ERRORS }, slow: { ...SLOW } };
const asks: Partial<Bench> = { judgement: { ...JUDGEMENT, requireEvidence: 3 }, isLast: true };
const long: Partial<Bench> = { isHeldLongEnough: true };
const stable: Partial<Bench> = { subject: 'stable', steps: 2 };
const INCIDENT = on([8, 100], [152, 1_900]);

const late = [on([1, 732], [8, 5_267]), on([67, 234], [1, 266], { step: 2 })];

const ROWS: readonly Row[] = [
  ['low traffic', saw([0, 12], [0, 228])],
  ['low traffic that failed', saw([1, 12], [0, 228])],
  ['nothing yet', { ticks: [] }],
  ['stable missing', { ticks: [], had: 40 }],
  ['the first seconds of pods do not count', saw([0, 12], [0, 380], { had: 40 }), ignoring(30_000)],
  ['stable lags behind', { ticks: [on([0, 600], [2, 5_400])], had: 340 }, { step: 1 }],
  ['no failures at all', saw([0, 1_500], [0, 28_500])],
  ['no failures of the canary', saw([0, 1_500], [30, 28_500])],
  ['no failures, in clumps', saw([0, 1_500], [30, 28_500], { calibration: { phi: 3 } })],
  ['one failure of many', saw([1, 400], [0, 7_600])],
  ['as good as stable', saw([10, 9_900], [20, 20_100])],
  ['as good as stable, surely', saw([100, 99_000], [200, 201_000])],
  ['stable is worse', saw([2, 1_500], [300, 28_500])],
  ['held', saw([2, 100], [2, 1_900])],
  ['held with two failures beyond all doubt', saw([2, 100], [0, 99_900])],
  ['held long enough', saw([2, 100], [2, 1_900]), long],
  ['held in clumps', saw([6, 100], [4, 1_900], { calibration: { phi: 3 } })],
  ['failed', saw([3, 125], [2, 2_375])],
  ['failed, nothing on stable', saw([50, 100], [0, 1_900])],
  ['failed, though it was held long enough', saw([50, 100], [0, 1_900]), long],
  ['failed in clumps', saw([16, 125], [4, 2_375], { calibration: { phi: 3 } })],
  ['failed beyond a wide tolerance', saw([9, 125], [10, 2_375], { calibration: { tolerance: 1.5 } })],
  [
    'failed on one pod',
    saw([4, 125], [2, 2_375], { failuresByPod: { 'checkout-canary-x2kqv': 4 } }),
    { canaryPods: 4 },
  ],
  [
    'failed on two pods',
    saw([4, 125], [2, 2_375], { failuresByPod: { 'checkout-canary-x2kqv': 3, 'checkout-canary-8fz2p': 1 } }),
    { canaryPods: 4 },
  ],
  ['failed on the only pod', saw([4, 125], [2, 2_375], { failuresByPod: { 'checkout-canary-x2kqv': 4 } })],
  ['failed since a later step', { ticks: late }],
  ['held since a later step', { ticks: [on([0, 700], [1, 5_300]), on([5, 90], [3, 360], { step: 1 })] }],
  [
    'failed with all traffic, against the past',
    { ticks: [on([0, 5_000], [6, 5_000]), on([25, 900], [0, 0], { step: 1, frozen: 0.004 })] },
  ],
  ['failed by the ceiling alone', saw([70, 2_000], [114, 6_000], { spec: CEILING })],
  ['failed by the ceiling, with nothing to compare with', saw([60, 1_500], [0, 0], { spec: CEILING })],
  [
    'above the ceiling, and hardly worse',
    saw([100, 3_000], [57, 3_000], { spec: CEILING, calibration: { tolerance: 1.5 } }),
  ],
  [
    'above the ceiling for so long',
    saw([100, 3_000], [57, 3_000], { spec: CEILING, calibration: { tolerance: 1.5 } }),
    long,
  ],
  ['failed by the ceiling, and worse', saw([60, 1_500], [40, 28_500], { spec: CEILING })],
  ['failed by the ceiling of an objective', saw([53, 2_000], [82, 6_000], { spec: SLO })],
  ['both above the ceiling', saw([60, 1_500], [1_200, 28_500], { spec: CEILING })],
  ['both above the ceiling of an objective', saw([60, 1_500], [1_200, 28_500], { spec: SLO })],
  [
    'both above the ceiling since a later step',
    { spec: CEILING, ticks: [on([4, 500], [95, 9_500]), { ...on([40, 500], [158, 2_000]), step: 2 }] },
  ],
  ['both above the ceiling, held long enough', saw([60, 1_500], [1_200, 28_500], { spec: CEILING }), long],
  ['an incident of both', { spec: CEILING, ticks: [INCIDENT] }],
  ['worse, but below the floor', saw([3, 1_000], [2, 19_000], { spec: FLOOR })],
  ['worse, and above the floor', saw([30, 1_000], [20, 19_000], { spec: FLOOR })],
  ['dry run', saw([3, 125], [2, 2_375], { spec: DRY })],
  ['dry run, suspicious', saw([2, 100], [2, 1_900], { spec: DRY })],
  ['evidence is required, and there is too little', saw([1, 400], [8, 7_600]), asks],
  ['evidence is required, and there is none', saw([1, 400], [0, 7_600]), asks],
  ['evidence is required, and nothing ever fails', saw([0, 4_000], [0, 76_000]), asks],
  ['evidence is required, and there is enough', saw([10, 9_900], [20, 20_100]), asks],
  ['evidence is required, and nothing fails near the floor', saw([0, 4_000], [0, 76_000], { spec: FLOOR }), asks],
  ['evidence is required, but not before the last step', saw([1, 400], [8, 7_600]), { ...asks, isLast: false }],
  ['evidence is required, but not of a dry run', saw([1, 400], [8, 7_600], { spec: DRY }), asks],
  ['the updated stable is worse', saw([5, 20], [0, 80]), stable],
  ['the updated stable is as good', saw([1, 2_000], [5, 8_000]), stable],
  ['the updated stable had too little', saw([0, 12], [0, 80]), stable],
  [
    'the updated stable is worse, with all traffic',
    { ticks: [on([0, 20], [1, 80]), on([9, 100], [0, 0], { step: 1, frozen: 0.02 })] },
    stable,
  ],
  ['slower', { spec: SLOW, streams: [{ bound: 0.25, ticks: [on([10, 250], [42, 4_750])] }] }],
  [
    'slower at one bound of two',
    {
      spec: SLOW,
      streams: [
        { bound: 0.1, ticks: [on([80, 250], [1_300, 4_750])] },
        { bound: 1, ticks: [on([8, 250], [3, 4_750])] },
      ],
    },
  ],
  [
    'slower at the bound that was named',
    {
      spec: { ...SLOW, bound: 0.5 },
      streams: [
        { bound: 0.1, ticks: [on([60, 250], [1_300, 4_750])] },
        { bound: 0.5, ticks: [on([7, 250], [21, 4_750])] },
      ],
    },
  ],
  [
    'as fast',
    {
      spec: SLOW,
      streams: [
        { bound: 0.1, ticks: [on([130, 2_500], [2_500, 47_500])] },
        { bound: 1, ticks: [on([0, 2_500], [6, 47_500])] },
      ],
    },
  ],
  ['none slow', { spec: { ...SLOW, unit: null }, streams: [{ bound: 250, ticks: [on([0, 2_500], [0, 47_500])] }] }],
  ['no bound tells anything', { spec: SLOW, streams: [] }],
  [
    'two metrics, one failed',
    [
      saw([9, 125], [2, 2_375], { spec: TWO.errors, calibration: { part: 2 / 3 } }),
      { spec: TWO.slow, streams: [{ bound: 0.25, ticks: [on([1, 125], [20, 2_375])] }], calibration: { part: 1 / 3 } },
    ],
  ],
  [
    'two metrics, suspicious together',
    [
      saw([3, 125], [3, 2_375], { spec: TWO.errors, calibration: { part: 2 / 3 } }),
      { spec: TWO.slow, streams: [{ bound: 0.25, ticks: [on([5, 125], [20, 2_375])] }], calibration: { part: 1 / 3 } },
    ],
  ],
];

function ignoring(ignoreFirstMs: number): Partial<Bench> {
  return { judgement: { ...JUDGEMENT, ignoreFirstMs } };
}

const lineOf = ({ kind, odds, explanation }: MetricVerdict): string =>
  `  ${kind.padEnd(8)} ${odds === null ? '' : `${formatOdds(odds)}: `}${explanation}`;

const verdictsOf = ([, told, change]: Row): readonly MetricVerdict[] =>
  verdictsOn('length' in told ? told : [told], change);

test('every verdict has a sentence of its own', async () => {
  const text = ROWS.map((row) => [row[0], ...verdictsOf(row).map(lineOf)].join('\n')).join('\n\n');

  await expect(`${text}\n`).toMatchFileSnapshot('verdicts.txt');
});

const one = (told: Told, change?: Partial<Bench>): MetricVerdict => {
  const [verdict] = verdictsOn([told], change);
  if (verdict === undefined) throw new Error('one metric has one verdict');
  return verdict;
};

const kindsOf = (told: readonly Told[], change?: Partial<Bench>): readonly string[] =>
  verdictsOn(told, change).map(({ kind }) => kind);

const BAD: Told = saw([50, 100], [0, 1_900]);
const FINE: Told = { spec: SLOW, streams: [{ bound: 0.25, ticks: [on([1, 100], [20, 1_900])] }] };

describe('several metrics', () => {
  test('that only report are judged each by itself, and change nothing for the others', () => {
    const dry = { ...BAD, spec: { ...ERRORS, name: 'dry', dryRun: true } };

    expect(kindsOf([dry, FINE])).toEqual(['failed', 'pass']);
    expect(one(FINE)).toEqual(verdictsOn([dry, FINE])[1]);
    expect(one({ ...dry, spec: DRY })).toEqual(verdictsOn([dry, FINE])[0]);
  });

  test('that only report take nothing from one that decides and is bad too', () => {
    const dry = { ...saw([90, 100], [0, 1_900]), spec: { ...ERRORS, name: 'dry', dryRun: true } };

    expect(kindsOf([dry, BAD])).toEqual(['failed', 'failed']);
  });

  test('that only report may all be bad at once', () => {
    const dry = ['a', 'b'].map((name) => ({ ...BAD, spec: { ...ERRORS, name, dryRun: true } }));

    expect(kindsOf(dry)).toEqual(['failed', 'failed']);
  });

  test('count by their parts', () => {
    const half = { calibration: { part: 0.5 } };
    const [alone] = verdictsOn([saw([3, 125], [2, 2_375])]);
    const [merged, other] = verdictsOn([
      { ...saw([3, 125], [2, 2_375]), ...half },
      { ...FINE, ...half },
    ]);

    expect([alone?.kind, merged?.kind, other?.kind]).toEqual(['failed', 'held', 'pass']);
    expect(merged?.odds).toBeCloseTo(((alone?.odds ?? 0) + (other?.odds ?? 0)) / 2, 10);
  });

  test('name the one that says most, even where another is bad too', () => {
    const half = { calibration: { part: 0.5 } };
    const worse = { ...saw([90, 100], [0, 1_900]), spec: { ...ERRORS, name: 'worse' }, ...half };

    expect(kindsOf([{ ...saw([9, 100], [3, 1_900]), ...half }, worse])).toEqual(['pass', 'failed']);
  });

  test('may be none', () => {
    expect(verdictsOn([])).toEqual([]);
  });
});

describe('a latency', () => {
  test("is limited at the user's bound only: where many are slow by nature, the others have no ceiling", () => {
    const spec = { ...SLOW, bound: 1, ceiling: 0.144, slo: { objective: 0.99, burnRate: 14.4 } };
    const both = [
      { bound: 1, ticks: [on([1, 1_000], [19, 19_000])] },
      { bound: 0.1, ticks: [on([200, 1_000], [3_800, 19_000])] },
    ];

    expect(verdictsOn([{ spec, streams: both }])[0]?.kind).toBe('pass');
  });

  const bounds = (fast: number, slow: number): Told['streams'] => [
    { bound: 0.1, ticks: [on([fast, 250], [1_300, 4_750])] },
    { bound: 0.5, ticks: [on([slow, 250], [21, 4_750])] },
    { bound: 2, ticks: [on([0, 250], [2, 4_750])] },
  ];
  const oddsAt = (index: number): number => {
    const stream = bounds(60, 5)?.[index];
    return one({ spec: SLOW, streams: stream === undefined ? [] : [stream] }).odds ?? 0;
  };

  test('is the mean over its bounds', () => {
    const mean = (oddsAt(0) + oddsAt(1) + oddsAt(2)) / 3;

    expect(one({ spec: SLOW, streams: bounds(60, 5) ?? [] }).odds).toBeCloseTo(mean, 10);
  });

  test('has half of its evidence from the bound that was named', () => {
    const mean = oddsAt(1) / 2 + (oddsAt(0) + oddsAt(2)) / 4;

    expect(one({ spec: { ...SLOW, bound: 0.5 }, streams: bounds(60, 5) ?? [] }).odds).toBeCloseTo(mean, 10);
  });

  test('that is not judged holds nothing up beside a metric that is', () => {
    expect(kindsOf([saw([0, 500], [0, 9_500]), { spec: SLOW, streams: [] }])).toEqual(['pass', 'ignored']);
  });

  test('that is not judged says nothing, which is one to one', () => {
    const half = { calibration: { part: 0.5 } };
    const alone = one(saw([3, 125], [2, 2_375])).odds ?? 0;
    const [merged] = verdictsOn([
      { ...saw([3, 125], [2, 2_375]), ...half },
      { spec: SLOW, streams: [], ...half },
    ]);

    expect(merged?.odds).toBeCloseTo((alone + 1) / 2, 10);
  });
});

describe('a verdict', () => {
  const counts = fc.nat(2_000).chain((all) => fc.tuple(fc.nat(Math.min(all, 40)), fc.constant(all)));
  const ticks = fc.array(fc.record({ subject: counts, reference: counts, step: fc.nat(4) }), { maxLength: 12 });
  const limits = fc.record({
    ceiling: fc.option(fc.constantFrom(0.001, 0.02, 0.5)),
    floor: fc.option(fc.constantFrom(0.0001, 0.01)),
  });

  test('is never a rollback for fewer than three failures, and its number always fits into JSON', () => {
    fc.assert(
      fc.property(ticks, limits, fc.boolean(), (some, limit, isHeldLongEnough) => {
        const rising = some.toSorted((a, b) => a.step - b.step);
        const verdict = one({ spec: { ...ERRORS, ...limit }, ticks: rising }, { isHeldLongEnough });
        const failures = rising.reduce((sum, { subject }) => sum + subject[0], 0);

        expect(verdict.kind === 'failed' && failures < 3).toBe(false);
        expect(verdict.kind === 'held' && isHeldLongEnough).toBe(false);
        expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
        expect(verdict.explanation).not.toMatch(/NaN|undefined|Infinity|null/);
      }),
      { seed: 20_261_121, numRuns: 2_000 },
    );
  });

  test('names no pod by a label that is no name of one', () => {
    const told = (pod: string): string => one({ ...BAD, failuresByPod: { [pod]: 50 } }, { canaryPods: 3 }).explanation;

    expect(told('checkout-canary-1')).toContain('all failures were on checkout-canary-1, one of 3 pods');
    for (const label of ['', 'a\n::error::b', '<b>', 'p'.repeat(300)])
      expect(told(label)).not.toContain('all failures');
  });

  test('is by a calibration of its own, or by none', () => {
    expect(calibrationOf(JUDGEMENT, 'constructor')).toMatchObject({ phi: 1, tolerance: 1.1, part: 1 });
  });

  test.each(['constructor', '__proto__', 'toString'])('of a metric named %s is as of any other', (name) => {
    const named = { spec: { ...ERRORS, name }, ticks: BAD.ticks ?? [] };

    expect(one(named)).toEqual(one(BAD));
    expect(verdictsOf(['', named]).map(({ odds }) => Number.isFinite(odds))).toEqual([true]);
  });

  test('survives counts beyond all measure', () => {
    const verdict = one(saw([1e15, 1e15], [0, 1e15]));

    expect([verdict.kind, verdict.odds]).toEqual(['failed', 1e12]);
  });
});
