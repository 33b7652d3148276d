import { fieldsOf, textOf } from '../core/shape.ts';
import type { Deployment } from './shape.ts';

const rounded = (value: unknown, of: number, round: (value: number) => number): number => {
  const written = value ?? '25%';
  if (typeof written === 'number') return written;
  const [, percent] = /^(\d+)%$/.exec(String(written)) ?? [];
  return percent === undefined ? of : round((Number(percent) / 100) * of);
};

export const isRecreate = ({ strategy }: Pick<Deployment, 'strategy'>): boolean =>
  textOf(strategy['type']) === 'Recreate';

/**
 * How many pods an update may take away, and add, at once (ResolveFenceposts of the Deployment controller: where both come
 * to zero, one may be unavailable).
 */
export const fenceposts = (
  deployment: Pick<Deployment, 'strategy' | 'replicas'>,
): { readonly unavailable: number; readonly surge: number } => {
  const { strategy, replicas } = deployment;
  if (isRecreate(deployment)) return { unavailable: replicas, surge: 0 };
  const rolling = fieldsOf(strategy['rollingUpdate']);
  const unavailable = rounded(rolling['maxUnavailable'], replicas, Math.floor);
  const surge = rounded(rolling['maxSurge'], replicas, Math.ceil);
  return { unavailable: unavailable === 0 && surge === 0 ? 1 : unavailable, surge };
};
