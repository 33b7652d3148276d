import { describe, expect, test } from 'vitest';
import { createStore } from '../../src/kube/store.ts';
import type { Cluster } from '../../src/ports/cluster.ts';
import type { Store } from '../../src/ports/store.ts';
import { type FakeCluster, fakeCluster } from '../fakes/cluster.ts';
import { aRollout } from '../fakes/rollout.ts';
import { type Machine, randomFrom, type Simulation, simulation } from './simulation.ts';
import { HTTP_ROUTE, LOCK, STATE } from './store-fixture.ts';

const { signal } = new AbortController();
const RUNS = 4;
const TOKEN = 'canary-rollout.github.io/token';

interface World {
  readonly time: Simulation;
  readonly cluster: FakeCluster;
  readonly random: () => number;
  /** Whose run a token is. */
  readonly owners: Map<string, string>;
  readonly faults: string[];
  holdings: number;
  takeovers: number;
}

const chance = (world: World, of: number): boolean => world.random() < of;
const upTo = (world: World, ms: number): number => Math.floor(world.random() * ms);

/** The network: requests and answers take their time, some a long one, and some answers get lost. */
const remote = (world: World): Cluster => {
  const travel = (): Promise<void> =>
    world.time.sleep(chance(world, 0.02) ? upTo(world, 40_000) : 1 + upTo(world, 150));
  return {
    ...world.cluster,
    read: async (ref, over) => {
      await travel();
      const answer = await world.cluster.read(ref, over);
      await travel();
      return chance(world, 0.02) ? { kind: 'unreachable', message: 'lost' } : answer;
    },
    send: async (request, options) => {
      await travel();
      const before = Object(world.cluster.get(STATE)?.['data'])['state'];
      const answer = await world.cluster.send(request, options);
      const after = world.cluster.get(STATE);
      const state = Object(after?.['data'])['state'];
      const writer = state === undefined ? null : JSON.parse(state).holder.id;
      const owner = world.owners.get(after?.metadata.annotations?.[TOKEN] ?? '');
      if (state !== before && state !== undefined && writer !== owner) {
        world.faults.push(`${world.time.now()}: ${writer} saved while ${owner} had the state`);
      }
      await travel();
      return chance(world, 0.05) ? { kind: 'unreachable', message: 'lost' } : answer;
    },
  };
};

/** A machine that starts one run after another; some end, some are killed, some sleep for a while. */
const live = async (world: World, machine: Machine, name: string, stores: Map<string, Store>): Promise<void> => {
  const clock = world.time.clock(machine);
  for (let run = 0; ; run += 1) {
    const id = `${name}-${run}`;
    const store = createStore({
      cluster: remote(world),
      namespace: 'shop',
      deployment: 'checkout',
      clock,
      randomToken: () => {
        const token = `token-of-${id}-${world.owners.size}`;
        world.owners.set(token, id);
        return token;
      },
      routeKinds: [HTTP_ROUTE],
    });
    stores.set(name, store);
    const taken = await store.acquire({ id, runUrl: null }, signal);
    if (taken.kind === 'acquired') {
      world.takeovers += 1;
      await drive(world, machine, store);
    }
    await clock.sleepUntil(clock.now() + upTo(world, 8000), signal);
  }
};

const drive = async (world: World, machine: Machine, store: Store): Promise<void> => {
  const clock = world.time.clock(machine);
  for (let ticks = upTo(world, 8); ticks > 0; ticks -= 1) {
    await store.save(aRollout(), signal);
    await clock.sleepUntil(clock.now() + 10_000, signal);
    if (chance(world, 0.1)) machine.pausedUntil = world.time.now() + upTo(world, 90_000);
    const renewed = await store.renew(signal);
    if (renewed.kind === 'lost') return;
  }
  // Otherwise it is killed: the next one finds its lease.
  if (chance(world, 0.5)) await store.release(chance(world, 0.5), signal);
};

const play = async (seed: number, vandal: boolean): Promise<World> => {
  const world: World = {
    time: simulation(),
    cluster: fakeCluster(),
    random: randomFrom(seed),
    owners: new Map(),
    faults: [],
    holdings: 0,
    takeovers: 0,
  };
  const stores = new Map<string, Store>();
  const machines = Array.from({ length: RUNS }, (): Machine => ({ offset: upTo(world, 1e9), pausedUntil: 0 }));
  for (const [index, machine] of machines.entries()) void live(world, machine, `run-${index}`, stores);
  const deleteLease = async (): Promise<void> => {
    for (;;) {
      await world.time.sleep(20_000 + upTo(world, 60_000));
      world.cluster.remove(LOCK);
    }
  };
  if (vandal) void deleteLease();
  await world.time.run(600_000, () => {
    const sure = machines.filter((machine, index) => {
      const until = stores.get(`run-${index}`)?.heldUntil() ?? null;
      return until !== null && world.time.now() + machine.offset < until;
    });
    if (sure.length === 1) world.holdings += 1;
    if (sure.length > 1 && !vandal) world.faults.push(`${world.time.now()}: ${sure.length} runs are sure of the lock`);
  });
  return world;
};

const FIRST_SEED = 4100;
const seeds = Array.from({ length: 6 }, (_, index) => FIRST_SEED + index);

describe('runs with slow networks, lost answers, pauses and clocks that differ by days', () => {
  test.each(seeds)(
    'are never sure of the lock at the same time, and never save over another (seed %i)',
    async (seed) => {
      const world = await play(seed, false);

      expect(world.faults).toEqual([]);
      expect(world.takeovers).toBeGreaterThan(3);
      expect(world.holdings).toBeGreaterThan(50);
    },
  );

  test.each(seeds)('never save over another, whoever deletes the Lease (seed %i)', async (seed) => {
    const world = await play(seed, true);

    expect(world.faults).toEqual([]);
    expect(world.takeovers).toBeGreaterThan(3);
  });
});
