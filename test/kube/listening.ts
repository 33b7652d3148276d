import { setImmediate as turn } from 'node:timers/promises';
import type { Command } from '../../src/core/command.ts';
import type { Cluster } from '../../src/ports/cluster.ts';
import type { Store } from '../../src/ports/store.ts';
import type { FakeCluster } from '../fakes/cluster.ts';
import { aRollout } from '../fakes/rollout.ts';
import { ours, setUp } from './store-fixture.ts';

const { signal } = new AbortController();
export const COMMAND = 'canary-rollout.github.io/command';
export const BY = `${COMMAND}-by`;
export const ID = `${COMMAND}-id`;
export const ABORT: Command = { name: 'abort', rolloutId: null, by: null, id: null, raw: 'abort' };

/** A run with a saved state; every request is counted by its verb. */
export const running = async (watching: (cluster: FakeCluster) => Cluster = (cluster) => cluster) => {
  const { cluster, clock, store } = setUp();
  const first = store({ cluster: watching(cluster) });
  await first.acquire(ours, signal);
  await first.save(aRollout(), signal);
  const asked: string[] = [];
  cluster.interfere((verb) => void asked.push(verb));
  return { cluster, clock, store: first, other: store(), asked };
};

/** Listens until told to stop; what was heard so far. */
export const listen = (store: Store, acknowledges = false) => {
  const over = new AbortController();
  const heard: Command[] = [];
  const done = (async () => {
    for await (const command of store.commands(over.signal)) {
      heard.push(command);
      if (acknowledges) await store.acknowledge(command, signal);
    }
  })();
  const stop = async (): Promise<readonly Command[]> => {
    over.abort();
    await done;
    return heard;
  };
  return { heard, stop };
};

/** Gives the other side turns to act; a sleep of the fake clock takes one. */
export const turns = async (count: number): Promise<void> => {
  for (let passed = 0; passed < count; passed += 1) await turn();
};
