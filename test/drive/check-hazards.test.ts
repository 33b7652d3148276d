import { describe, expect, test } from 'vitest';
import { type KubeObject, listIn, listRef, type Seen } from '../../src/core/objects.ts';
import { checkHazards } from '../../src/drive/check-hazards.ts';
import type { Hazard, Situation } from '../../src/ports/hazard.ts';
import { aPlan } from '../core/plan.ts';
import { type FakeCluster, fakeCluster } from '../fakes/cluster.ts';
import { aSpec } from '../fakes/spec.ts';
import { signal } from './adapters.ts';

const GROUP = 'example.com';
const guards = (version: string) => ({ apiVersion: `${GROUP}/${version}`, kind: 'Guard', plural: 'guards' });
const GUARD = guards('v2');
const object = (version: string): KubeObject => ({ ...guards(version), metadata: { name: 'one', namespace: 'shop' } });
const FORBIDDEN = { kind: 'forbidden', message: 'no' } as const;
const PLAN = aPlan();
const SITUATION: Situation = { spec: aSpec(), target: PLAN.target, plan: PLAN, fields: {} };

/** Tells the names of the guards that it sees. */
const hazard: Hazard = {
  name: 'guards',
  rows: [],
  reads: () => [listRef(GUARD, 'shop')],
  permissions: [],
  find: (_situation, seen) =>
    listIn(seen, listRef(GUARD, 'shop')).map(({ apiVersion, metadata }) => ({
      severity: 'error',
      code: 'policy-mismatch',
      where: metadata.name,
      message: apiVersion,
      advice: null,
    })),
};

const nothing: Seen = { objects: new Map(), lists: new Map() };
const messages = async (cluster: FakeCluster, discovered: readonly string[] | 'forbidden', seen = nothing) => {
  const discover: FakeCluster['discover'] = async () =>
    discovered === 'forbidden' ? FORBIDDEN : { kind: 'ok', value: discovered };
  const findings = await checkHazards({ ...cluster, discover }, [hazard], SITUATION, seen, signal());
  return findings.map(({ severity, message }) => `${severity} ${message}`);
};
const forbidding = (): FakeCluster => {
  const cluster = fakeCluster({ objects: [object('v2')] });
  cluster.interfere((verb) => (verb === 'list' ? FORBIDDEN : undefined));
  return cluster;
};
const NOT_CHECKED = 'warning not checked, because they cannot be read (forbidden): Guard';

describe('kinds that are looked into', () => {
  test('are read where they are served', async () => {
    expect(await messages(fakeCluster({ objects: [object('v2')] }), [])).toEqual(['error example.com/v2']);
  });

  test('are read in the version that is served, where it is another', async () => {
    const cluster = fakeCluster({ objects: [object('v1')], absent: [GUARD] });

    expect(await messages(cluster, [`${GROUP}/v1`])).toEqual(['error example.com/v1']);
  });

  test('are told as not checked where they are served and may not be read', async () => {
    expect(await messages(forbidding(), [`${GROUP}/v2`])).toEqual([NOT_CHECKED]);
  });

  test('are nothing to tell of where they are not served, whatever the rights', async () => {
    expect(await messages(forbidding(), [])).toEqual([]);
    expect(await messages(fakeCluster({ absent: [GUARD] }), [])).toEqual([]);
  });

  test('are told as not checked where nobody says whether they are served', async () => {
    expect(await messages(forbidding(), 'forbidden')).toEqual([NOT_CHECKED]);
  });

  test('are not read again when the survey has them', async () => {
    const seen: Seen = { objects: new Map(), lists: new Map([[`${GUARD.apiVersion}/Guard/shop?`, [object('v2')]]]) };

    expect(await messages(forbidding(), [], seen)).toEqual(['error example.com/v2']);
  });
});
