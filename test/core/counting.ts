import { type Counted, type CountingScope, countArm, withLives } from '../../src/core/counting.ts';
import { newMetric } from '../../src/core/metric-state.ts';
import type { ArmSeen, MetricState } from '../../src/core/rollout.ts';
import type { BucketSeries, Sample, Series } from '../../src/core/sample.ts';
import type { Arm } from '../../src/core/units.ts';

export type Points = Series['points'];

export const NEW = newMetric('errors', [null]);

export const SCOPE: CountingScope = {
  arm: 'canary',
  bounds: [null],
  since: 0,
  scrapeMs: 1_000,
  ignoreFirstMs: 0,
  seen: null,
  seenAt: 0,
  now: 0,
};

export const seen = (lives: ArmSeen['lives']): ArmSeen => ({
  uid: 'u',
  replicas: 1,
  ready: 1,
  endpoints: null,
  rolledOut: true,
  template: 't',
  images: [],
  imageIds: [],
  problem: null,
  lives,
});

type Answer = Extract<Sample, { kind: 'counters' | 'buckets' }>;

const series = (pod: string | null, points: Points): Series => ({ id: pod ?? '', pod, points });

/** By pod: requests, and failures where there are any. */
export const counters = (
  pods: Readonly<Record<string, readonly [requests: Points, failures?: Points]>>,
  arm: Arm = 'canary',
): Answer => ({
  metric: 'errors',
  arm,
  kind: 'counters',
  requests: Object.entries(pods).map(([pod, [requests]]) => series(pod, requests)),
  failures: Object.entries(pods).flatMap(([pod, [, failures]]) =>
    failures === undefined ? [] : [series(pod, failures)],
  ),
});

/** Buckets of one pod. */
export const buckets = (bounds: readonly (readonly [bound: number, points: Points])[]): Answer => ({
  metric: 'latency',
  arm: 'canary',
  kind: 'buckets',
  buckets: bounds.map(([bound, points]): BucketSeries => ({ ...series('p', points), bound })),
});

/** One answer after the other, each with what differs then. */
export const countAll = (
  answers: readonly (readonly [answer: Answer, change?: Partial<CountingScope>])[],
  before: MetricState = NEW,
): readonly Counted[] => {
  let metric = before;
  return answers.map(([answer, change]) => {
    const counted = countArm(metric, answer, { ...SCOPE, ...change });
    metric = { ...metric, cursors: counted.cursors, doubts: counted.doubts, lives: counted.lives };
    return counted;
  });
};

/** A metric that knows in which life its pods are counted. */
export const living = (lives: Readonly<Record<string, string>>, arm: Arm = 'canary'): MetricState =>
  withLives(NEW, arm, lives);
