import { expect, test } from 'vitest';
import { type KubeObject, listRef, NODE, refKey } from '../../src/core/objects.ts';
import { seenWithNodes } from '../../src/drive/platforms.ts';
import { NOTHING_SEEN } from '../../src/drive/read.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import { anObservation } from '../fakes/rollout.ts';
import { signal } from './adapters.ts';

const NODES: readonly KubeObject[] = [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1', uid: 'u' } }];

const observation = (kind: 'done' | 'moving', stableId = 'app@sha256:2') => {
  const base = anObservation();
  const arm = base.stable;
  if (arm === null) throw new Error('the fake has no stable');
  const progress = kind === 'done' ? ({ kind } as const) : ({ kind: 'pending', waitingFor: 'pods' } as const);
  return {
    ...base,
    stable: { ...arm, imageIds: [stableId] },
    canary: { ...arm, imageIds: ['app@sha256:1'] },
    progress,
  };
};

const asked = (stage: 'update-stable' | 'remove-canary') =>
  ({
    id: 1,
    kind: 'observe',
    depth: 'pods',
    stage: { kind: stage },
    want: { canary: 0, cohort: null, mirror: 0 },
  }) as never;

const names = async (
  look: ReturnType<typeof observation>,
  stage: 'update-stable' | 'remove-canary',
  forbidden = false,
) => {
  const cluster = fakeCluster({ objects: NODES });
  if (forbidden) cluster.interfere((verb) => (verb === 'list' ? { kind: 'forbidden', message: 'no' } : undefined));
  const seen = await seenWithNodes(cluster, look, asked(stage), NOTHING_SEEN, signal());
  return seen?.lists.get(refKey(listRef(NODE, '')))?.map(({ metadata }) => metadata.name) ?? null;
};

test('nodes are read when the updated stable runs another image than the canary', async () => {
  expect(await names(observation('done'), 'update-stable')).toEqual(['node-1']);
});

test('nodes are not read while stable is updated, at other stages, or where nothing differs', async () => {
  expect(await names(observation('moving'), 'update-stable')).toBeNull();
  expect(await names(observation('done'), 'remove-canary')).toBeNull();
  expect(await names(observation('done', 'app@sha256:1'), 'update-stable')).toBeNull();
});

test('nodes that may not be read change nothing', async () => {
  expect(await names(observation('done'), 'update-stable', true)).toBeNull();
});
