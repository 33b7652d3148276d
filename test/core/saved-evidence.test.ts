import { describe, expect, test } from 'vitest';
import { foldSamples } from '../../src/core/metrics.ts';
import { reopen } from '../../src/core/reopen.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import type { Arm } from '../../src/core/units.ts';
import { deserialise, LARGEST_STATE_BYTES, serialise } from '../../src/kube/saved-rollout.ts';
import { baking, evidenceOf, fold, inStep, metricOf, START } from './folding.ts';
import { ERRORS, JUDGEMENT } from './plan.ts';

const BOUNDS = { namespace: 'shop', deployment: 'checkout', routeKinds: [] };
const HOLDER = { id: 'run-1', runUrl: null };

const readBack = (rollout: Rollout): Rollout => {
  const saved = deserialise(serialise(rollout, HOLDER), BOUNDS);
  if (saved.kind === 'unreadable') throw new Error(saved.why);
  return saved.rollout;
};

const LIMITED = { ...ERRORS, ceiling: 0.2, floor: 0.001 };

/** Two ticks, of which the last still waits for stable. */
const running = (): Rollout => {
  const begun = fold(baking({ metrics: [LIMITED] }), 1, { canary: [0, 0], stable: [0, 0] });
  const judged = fold(begun, 5, { canary: [2, 100], stable: [2, 1_900] });
  return fold(judged, 10, { canary: [2, 130] });
};

describe('evidence', () => {
  test('is read back as it was, and so is what waits for the other version', () => {
    const before = running();
    const [stream] = metricOf(before).streams;

    expect(stream?.pending.canary).toEqual({ requests: 30, failures: 0 });
    expect(metricOf(readBack(before))).toEqual({ ...metricOf(before), cursors: {}, lives: {}, doubts: [] });
  });

  test('goes on where it was, and counts nothing twice', () => {
    const reopened = reopen(readBack(running()), null, START + 60_000);
    const again = { ...reopened, stage: { ...reopened.stage, name: 'bake' } } as const;
    const first = fold(again, 61, { canary: [9, 400], stable: [9, 8_000] });
    const next = fold(first, 66, { canary: [10, 430], stable: [12, 8_570] });

    expect(evidenceOf(first)).toEqual(evidenceOf(running()));
    expect(evidenceOf(next).subject).toEqual({ requests: 100 + 30 + 30, failures: 2 + 0 + 1 });
    expect(evidenceOf(next).reference).toEqual({ requests: 1_900 + 570, failures: 2 + 3 });
  });

  test('takes in what was counted while nobody looked, whatever is done first when it goes on', () => {
    const counts = (arm: Arm, points: readonly (readonly [seconds: number, failures: number, requests: number])[]) => {
      const over = (of: 1 | 2) => points.map((point) => [START + point[0] * 1_000, point[of]] as const);
      const series = (of: 1 | 2) => [{ id: arm, pod: `${arm}-1`, points: over(of) }];
      return { metric: 'errors', arm, kind: 'counters', failures: series(1), requests: series(2) } as const;
    };
    const left = inStep(running(), 0);
    const reopened = reopen(readBack(left), null, START + 60_000);
    const samples = [
      counts('canary', [
        [10, 2, 130],
        [30, 60, 230],
        [59, 90, 290],
      ]),
      counts('stable', [
        [5, 2, 1_900],
        [30, 2, 6_000],
        [59, 3, 9_000],
      ]),
    ];
    const after = foldSamples(reopened, ['errors'], samples, START + 61_000);

    expect(reopened.stage.name).toBe('scale');
    expect(evidenceOf(after).subject).toEqual({ requests: 100 + 30 + 160, failures: 2 + 0 + 88 });
    expect(metricOf(after).verdict.kind).toBe('failed');
  });

  test('of dry runs remembers what would have been', () => {
    const dry = baking({ judgement: { ...JUDGEMENT, mode: 'dry-run' } });
    const begun = fold(dry, 1, { canary: [0, 0], stable: [0, 0] });
    const bad = fold(begun, 5, { canary: [50, 100], stable: [0, 1_900] });

    expect(metricOf(readBack(bad)).wouldHave).toEqual(metricOf(bad).wouldHave);
    expect(metricOf(bad).wouldHave).not.toBeNull();
  });

  test('of fifty steps and many metrics fits, and is read back', () => {
    const steps = Array.from({ length: 50 }, (_, index) => ({
      asked: (index + 1) * 100,
      weight: (index + 1) * 100,
      intervalMs: 1_000,
      canaryReplicas: 1,
      approval: false,
    }));
    const metrics = ['a', 'b', 'c'].map((name) => ({ ...LIMITED, name }));
    let run = baking({ steps, metrics });
    for (const step of steps.keys())
      for (const { name } of metrics)
        run = fold(inStep(run, step), 5 * (step + 1), { canary: [step, 90 * step], stable: [step, 900 * step] }, name);

    expect(evidenceOf(run).starts).toHaveLength(49);
    expect(readBack(run).metrics.map(({ streams }) => streams)).toEqual(run.metrics.map(({ streams }) => streams));
    expect(Buffer.byteLength(serialise(run, HOLDER))).toBeLessThan(LARGEST_STATE_BYTES);
  });
});

/** The saved state with one value changed by hand, by the words that lead to it. */
const withChange = (path: string, value: unknown): string => {
  const state: unknown = JSON.parse(serialise(running(), HOLDER));
  const words = path.split('.');
  const last = words.pop() ?? '';
  const holder = words.reduce((at, word) => (at as Record<string, unknown>)[word], state);
  (holder as Record<string, unknown>)[last] = value;
  return JSON.stringify(state).replace('"1e999"', '1e999');
};

const STREAM = 'metrics.0.streams.0';
const NOTHING = { requests: 0, failures: 0 };

describe('a state is refused that has', () => {
  test.each([
    ['a logarithm beyond all numbers', `${STREAM}.evidence.starts.0.logs.0`, '1e999'],
    ['no number of requests', `${STREAM}.evidence.subject.requests`, null],
    ['less than no failures', `${STREAM}.pending.canary.failures`, -1],
    ['a bound that is a text', `${STREAM}.bound`, '0.5'],
    ['no evidence', `${STREAM}.evidence`, null],
    ['starts without counts', `${STREAM}.evidence.starts`, [{ step: 0, logs: [] }]],
    ['more logarithms than steps can bring', `${STREAM}.evidence.floor`, Array.from({ length: 10_001 }, () => 0)],
    ['evidence about nobody', 'metrics.0.subject', 'router'],
  ])('%s', (_, path, value) => {
    expect(deserialise(withChange(path, value), BOUNDS)).toMatchObject({
      kind: 'unreadable',
      why: expect.stringContaining('wrong form'),
    });
  });
});

test('a state whose evidence is shorter than it should be is judged all the same, without a wrong number', () => {
  const text = withChange(`${STREAM}.evidence`, {
    starts: [{ step: 0, logs: [], subject: NOTHING, reference: NOTHING }],
    ceiling: { subject: [1], reference: [] },
    floor: [],
    safe: [],
    subject: { requests: 3, failures: 9 },
    reference: NOTHING,
  });
  const saved = deserialise(text, BOUNDS);
  if (saved.kind === 'unreadable') throw new Error(saved.why);
  const after = fold(fold(saved.rollout, 70, { canary: [0, 0], stable: [0, 0] }), 75, {
    canary: [1, 90],
    stable: [0, 900],
  });

  expect(metricOf(after).verdict.explanation).not.toMatch(/NaN|undefined|Infinity/);
  expect(Number.isFinite(metricOf(after).verdict.odds ?? 0)).toBe(true);
  expect(readBack(after).metrics).toHaveLength(1);
});
