import { describe, expect, test } from 'vitest';
import { transition } from '../../src/core/decide.ts';
import { NEVER } from '../../src/core/record.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { deserialise, LARGEST_STATE_BYTES, serialise, stepText } from '../../src/kube/saved-rollout.ts';
import type { SavedRollout } from '../../src/ports/store.ts';
import { anObservation, aPlan, aRollout, aStep, counted } from '../fakes/rollout.ts';

const HTTP_ROUTE = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' };
const BOUNDS = { namespace: 'shop', deployment: 'checkout', routeKinds: [HTTP_ROUTE] };
const HOLDER = { id: 'run-1', runUrl: null };

const anAsked = (index: number, changes: Partial<Rollout['asked'][number]> = {}): Rollout['asked'][number] => ({
  name: 'pause',
  rolloutId: null,
  by: 'mona',
  id: String(index),
  raw: `pause ${index}`,
  at: index,
  refused: null,
  acknowledged: true,
  ...changes,
});

const readBack = (rollout: Rollout): Rollout => {
  const saved = deserialise(serialise(rollout, HOLDER), BOUNDS);
  if (saved.kind === 'unreadable') throw new Error(saved.why);
  return saved.rollout;
};

/** Every kind of field has a value. */
const full = (): Rollout =>
  aRollout({
    steps: [aStep(500, '10:02:10')],
    observation: anObservation({ canary: anObservation().stable, changedBy: 'argocd' }),
    asked: [anAsked(1), anAsked(2, { refused: 'not open', acknowledged: false })],
    warnings: ['slow'],
    paused: { by: 'mona', since: 5 },
    approval: { step: 1, since: 5, by: null },
    waits: [
      { kind: 'evidence', metric: 'errors', why: 'few' },
      { kind: 'paused', by: 'mona', since: 5 },
      { kind: 'approval', since: 5 },
    ],
    unwatched: [{ from: 1, to: 2 }],
    reason: { code: 'hold-expired', text: 'too long', metric: null },
    reopensAs: 'progressing',
    plan: aPlan({
      steps: aPlan().steps.slice(0, 2),
      original: { weights: [{ name: 'checkout', weight: 1 }] },
      target: { ...aPlan().target, template: { spec: { containers: [] } }, manifest: '0123456789' },
      watchdog: { image: 'kubectl@sha256:1', serviceAccount: 'watchdog', afterMs: 60_000 },
      conduct: { ...aPlan().conduct, until: { kind: 'weight', weight: 2000 } },
    }),
  });

describe('a saved rollout', () => {
  test('is read back as it was', () => {
    expect(readBack(full())).toEqual(full());
  });

  test('is read back after a write that was refused for good, so that somebody can finish it', () => {
    const halted = { ...full(), stage: { ...full().stage, retryAt: NEVER } };

    expect(readBack(halted).stage.retryAt).toBe(NEVER);
  });

  test('keeps how the user’s own canary Deployment was found, so that another run can give it back', () => {
    const pair = { replicas: 2, images: [{ container: 'app', image: 'app:1' }], arms: 'app=shop,track in (a,b)' };
    const { plan, stage } = full();
    const open = {
      ...full(),
      plan: { ...plan, target: { ...plan.target, pair } },
      stage: { ...stage, name: 'give-back' as const },
    };

    expect(readBack(open)).toEqual(open);
  });

  test('keeps the newest of what grows without end, and every command that still stands in the cluster', () => {
    const old = anAsked(0, { acknowledged: false });
    const asked = [old, ...Array.from({ length: 2000 }, (_, index) => anAsked(index + 1))];
    const warnings = Array.from({ length: 2000 }, (_, index) => `warning ${index}`);
    const unwatched = Array.from({ length: 2000 }, (_, index) => ({ from: index, to: index + 1 }));

    const back = readBack({ ...full(), asked, warnings, unwatched });

    expect([back.asked.length, back.warnings.length, back.unwatched.length]).toEqual([200, 200, 200]);
    expect([back.asked[0]?.id, back.asked[1]?.id, back.asked.at(-1)?.id]).toEqual(['0', '1802', '2000']);
    expect([back.warnings.at(-1), back.unwatched.at(-1)]).toEqual(['warning 1999', { from: 1999, to: 2000 }]);
  });

  test('has room for a bounded number of commands that were never acknowledged', () => {
    const asked = Array.from({ length: 2000 }, (_, index) => anAsked(index, { acknowledged: false }));

    expect(readBack({ ...full(), asked }).asked).toHaveLength(200);
  });

  test('cuts texts that others can make as long as they like', () => {
    const back = readBack({ ...full(), warnings: ['x'.repeat(600_000)] });

    expect(back.warnings[0]).toHaveLength(4000);
  });

  test('gives up the measurements of old steps before it does not fit', () => {
    const explanation = 'because '.repeat(400);
    const metrics = Array.from({ length: 20 }, () => counted([1, 1000], [8, 9000], { explanation }));
    const steps = Array.from({ length: 12 }, (_, index) => aStep((index + 1) * 100, '10:02:10', { metrics }));
    const plan = aPlan({
      steps: steps.map(({ weight }) => ({ asked: weight, weight, intervalMs: 1, canaryReplicas: 1, approval: false })),
    });

    const state = serialise(aRollout({ plan, steps }), HOLDER);
    const back = readBack(aRollout({ plan, steps }));

    expect(Buffer.byteLength(state)).toBeLessThanOrEqual(LARGEST_STATE_BYTES);
    expect(back.steps.map((step) => step.metrics.length)).toEqual([0, 0, 0, 0, 0, 0, 20, 20, 20, 20, 20, 20]);
    expect(back.steps.map(({ weight }) => weight)).toEqual(steps.map(({ weight }) => weight));
  });

  test('that was made by hand to exhaust the reader is unreadable', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const state = serialise(full(), HOLDER).replace(/"original":.*?]}/, `"original":${deep}`);

    expect(deserialise(state, BOUNDS)).toMatchObject({ kind: 'unreadable', why: expect.stringMatching(/deep|JSON/) });
  });

  test('that measures other metrics than it plans is unreadable', () => {
    const state = serialise({ ...full(), metrics: [] }, HOLDER);

    expect(deserialise(state, BOUNDS)).toMatchObject({ kind: 'unreadable', why: expect.stringContaining('metrics') });
  });
});

type Path = readonly (string | number)[];

const leavesOf = (value: unknown, path: Path = []): readonly Path[] =>
  typeof value === 'object' && value !== null
    ? [path, ...Object.entries(value).flatMap(([key, part]) => leavesOf(part, [...path, key]))]
    : [path];

const replaced = (value: unknown, [key, ...rest]: Path, by: unknown): unknown => {
  if (key === undefined) return by;
  const changed: unknown = replaced((value as Record<string | number, unknown>)[key], rest, by);
  return Array.isArray(value)
    ? value.map((part, index) => (index === Number(key) ? changed : part))
    : { ...(value as object), [key]: changed };
};

const HOSTILE: readonly unknown[] = [
  null,
  true,
  '',
  '../../../secrets/x',
  '{{constructor}}\u0000\u2028<script>',
  'x'.repeat(70_000),
  -1,
  0,
  0.5,
  1e308,
  9e15,
  -9e15,
  [],
  {},
  [[[]]],
  { __proto__: null, constructor: { prototype: { polluted: true } } },
];

/** What a run does with a state first. */
const use = (saved: SavedRollout): string => {
  if (saved.kind === 'unreadable') return saved.why;
  const { rollout } = saved;
  const next = transition(rollout, { kind: 'started', now: rollout.savedAt + 1000 });
  return `${stepText(rollout)} ${serialise(next, HOLDER).length} ${new Date(rollout.startedAt).toISOString()}`;
};

describe('a state with one value replaced', () => {
  const state: unknown = JSON.parse(serialise(full(), HOLDER));
  const paths = leavesOf(state);

  test('has many values', () => {
    expect(paths.length).toBeGreaterThan(300);
  });

  test.each(HOSTILE.map((value) => [JSON.stringify(value).slice(0, 40), value] as const))(
    'by %s is unreadable or harmless, whichever value it is',
    (_name, value) => {
      const outcomes = paths.map((path) => {
        const text = JSON.stringify(replaced(state, path, value));
        try {
          return { path, said: use(deserialise(text, BOUNDS)) };
        } catch (error) {
          return { path, threw: String(error) };
        }
      });

      expect(outcomes.filter((outcome) => 'threw' in outcome)).toEqual([]);
      expect(Object.keys(Object.prototype)).toEqual([]);
    },
  );

  test('by nothing is unreadable or harmless', () => {
    const outcomes = paths.map((path) => {
      try {
        return use(deserialise(JSON.stringify(replaced(state, path, undefined)), BOUNDS)).slice(0, 0);
      } catch (error) {
        return `${path.join('.')}: ${String(error)}`;
      }
    });

    expect(outcomes.filter((outcome) => outcome !== '')).toEqual([]);
  });
});
