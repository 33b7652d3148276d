import type { Spec } from '../../src/core/spec.ts';
import { CONDUCT } from './conduct.ts';

/** A release of one image in one step, judged by nothing. */
export const aSpec = (changes: Partial<Spec> = {}): Spec => ({
  command: 'run',
  manifest: null,
  canaryDeployment: null,
  surroundings: { allow: [], copy: [], promoteAt: 'all-traffic' },
  deployment: 'checkout',
  namespace: 'shop',
  service: 'checkout',
  images: [{ container: null, image: 'checkout:2' }],
  route: { kind: 'objects', routes: [{ kind: 'split', name: 'checkout' }] },
  steps: [{ weight: 500, intervalMs: 1_000, approval: false }],
  metrics: [],
  sources: { prometheus: null, scrape: null, scrapeRouter: null },
  judgement: { odds: 'balanced', requireEvidence: null, ignoreFirstMs: 0, minRequests: 20, mode: 'decide' },
  podLogs: 'off',
  failOnRollback: true,
  lockWaitMs: 0,
  onExpired: 'resume',
  conduct: CONDUCT,
  watchdog: null,
  timeoutMs: 60_000,
  readyTimeoutMs: 60_000,
  drainMs: 1_000,
  noDataTimeoutMs: 60_000,
  ...changes,
});
