import { divergence } from '../../src/core/evidence.ts';

/** Both errors that Wald's bound is computed for: a good release rolled back, a bad one not. */
const ERROR = 0.01;

/**
 * Wald's lower bound for any sequential test that even knows both failure ratios: how many canary requests it needs on
 * average to see that they fail with `bad` and not with `good`, and how many users that harms.
 */
export const waldFloor = (good: number, bad: number): { readonly requests: number; readonly harmed: number } => {
  const information = (1 - ERROR) * Math.log((1 - ERROR) / ERROR) + ERROR * Math.log(ERROR / (1 - ERROR));
  const requests = information / divergence(bad, good);
  return { requests, harmed: bad * Math.max(1, requests) };
};
