import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/core/objects.ts';
import { deploymentWorkload } from '../../src/workloads/index.ts';
import { created, deployment, pod, replicaSet, seeFor, service, targetIn } from './world.ts';

const STABLE = deployment();
const SERVICE = service('checkout', { app: 'checkout' });
const TARGET = targetIn([STABLE, SERVICE]);
const CANARY = created(seeFor(TARGET, [STABLE, SERVICE]), TARGET, 'canary', 1);
const STABLE_SET = replicaSet(STABLE, 'aaa');

const livesOf = (pods: readonly KubeObject[], werePodsRead = true) =>
  deploymentWorkload.observe(seeFor(TARGET, [STABLE, SERVICE, CANARY, STABLE_SET, ...pods], werePodsRead), TARGET);
const running = (startedAt: unknown, restartCount: unknown = 0) => ({
  restartCount,
  state: { running: { startedAt } },
});
const podWith = (status: Record<string, unknown>, name = 'checkout-aaa-bbbbb') =>
  pod(STABLE_SET, 'bbbbb', { name, metadata: { uid: 'u1' }, status });
const lifeOf = (status: Record<string, unknown>) => livesOf([podWith(status)]).stable?.lives?.['checkout-aaa-bbbbb'];

describe('the life of a pod', () => {
  test('is its uid, the restarts of all containers and the newest start of one', () => {
    const life = lifeOf({
      containerStatuses: [running('2026-01-01T00:00:09Z', 2), running('2026-01-01T00:00:10Z', 1)],
      initContainerStatuses: [running('2026-01-01T00:00:05Z', 4)],
    });

    expect(life).toBe('u1/7/2026-01-01T00:00:10Z');
  });

  test('is known before a container runs', () => {
    expect(lifeOf({})).toBe('u1/0/');
    expect(lifeOf({ containerStatuses: [{ restartCount: 0, state: { waiting: { reason: 'ErrImagePull' } } }] })).toBe(
      'u1/0/',
    );
  });

  test('takes nothing but times and counts from a status', () => {
    const life = lifeOf({
      containerStatuses: [running('x'.repeat(100_000), -1), running({ toString: 'x' }, '7'), null, 3, running('2026')],
    });

    expect(life).toBe('u1/0/');
  });
});

describe('the lives of an arm', () => {
  test('are those of its own pods', () => {
    const set = replicaSet(CANARY, 'ccc', 1, 1);
    const { stable, canary } = livesOf([podWith({}), set, pod(set, 'ddddd'), pod(null, 'eeeee')]);

    expect(Object.keys(stable?.lives ?? {})).toEqual(['checkout-aaa-bbbbb']);
    expect(Object.keys(canary?.lives ?? {})).toEqual(['checkout-canary-ccc-ddddd']);
  });

  test('are unknown when this look read no pods, and none when it found none', () => {
    expect(livesOf([podWith({})], false).stable?.lives).toBeNull();
    expect(livesOf([]).stable?.lives).toEqual({});
  });

  test('are of at most a thousand pods, the newest', () => {
    const many = Array.from({ length: 1_100 }, (_, index) =>
      pod(STABLE_SET, '', {
        name: `p-${index}`,
        metadata: { creationTimestamp: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString() },
      }),
    );
    const names = Object.keys(livesOf(many).stable?.lives ?? {});

    expect(names).toHaveLength(1_000);
    expect(names).toContain('p-1099');
    expect(names).not.toContain('p-99');
  });

  test('have no name that every object has', () => {
    const lives = livesOf(['constructor', '__proto__', 'fine'].map((name) => podWith({}, name))).stable?.lives ?? {};

    expect(Object.keys(lives)).toEqual(['fine']);
    expect(Object.getPrototypeOf(lives)).toBe(Object.prototype);
  });
});
