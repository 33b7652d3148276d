import { describe, expect, test } from 'vitest';
import type { Spec } from '../../src/core/spec.ts';
import { preflight } from '../../src/drive/preflight.ts';
import type { RequestedVersion, Workload } from '../../src/ports/workload.ts';
import { aPlan as corePlan } from '../core/plan.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { aSpec } from '../fakes/spec.ts';
import { aRoute, aService, router, signal, workload } from './adapters.ts';

const NOW = Date.parse('2026-03-01T10:00:00Z');

const SPEC = aSpec({
  steps: [{ weight: 500, intervalMs: 60_000, approval: false }],
  timeoutMs: 3_600_000,
});

const arm = {
  uid: 'u',
  replicas: 3,
  ready: 3,
  endpoints: 3,
  rolledOut: true,
  template: 'template-1',
  images: [],
  imageIds: [],
  problem: null,
  lives: null,
};

/** Everything is well but for what the arguments say. */
const checked = (spec: Partial<Spec>, endsAt: number | null, asked: RequestedVersion[] = []) => {
  const cluster = fakeCluster({ objects: [aRoute(0, {}), aService('checkout', 'checkout')] });
  const resolving: Workload = {
    ...workload,
    resolve: (_seen, { version }) => {
      asked.push(version);
      return { target: corePlan().target, findings: [] };
    },
    observe: () => ({ stable: arm, canary: null }),
  };
  return preflight({
    spec: { ...SPEC, ...spec },
    namespace: 'shop',
    rolloutId: 'r1',
    run: corePlan().run,
    cluster: { ...cluster, credentialsExpireAt: () => endsAt },
    routers: [router],
    workload: resolving,
    hazards: [],
    watchdog: null,
    source: null,
    presets: [],
    sourcePermissions: [],
    sourceNotices: [],
    now: NOW,
    signal: signal(),
  });
};

const codes = (result: Awaited<ReturnType<typeof preflight>>) =>
  result.kind === 'unchanged' ? [] : result.findings.map(({ severity, code }) => `${severity} ${code}`);

describe('the checks before the first write', () => {
  test('refuse credentials that end before the rollout could', async () => {
    const result = await checked({}, NOW + 60_000);

    expect(result.kind).toBe('rejected');
    expect(codes(result)).toContain('error credentials-expire');
  });

  test('warn of credentials that may end before it', async () => {
    const result = await checked({}, NOW + 1_800_000);

    expect(codes(result)).toContain('warning credentials-expire');
    expect(codes(result).filter((code) => code.startsWith('error cred'))).toEqual([]);
  });

  test('have nothing to say of credentials that renew themselves', async () => {
    expect(codes(await checked({}, null)).filter((code) => code.endsWith('credentials-expire'))).toEqual([]);
  });

  test('ask for the images of a run, and for the version before of a rollback', async () => {
    const asked: RequestedVersion[] = [];

    await checked({}, null, asked);
    await checked({ command: 'rollback', images: [] }, null, asked);

    expect(asked).toEqual([{ kind: 'images', images: SPEC.images }, { kind: 'previous' }]);
  });
});
