import { describe, expect, test } from 'vitest';
import type { ResourceKind } from '../../src/core/objects.ts';
import { volumes } from '../../src/hazards/volumes.ts';
import { deployment, object } from '../workloads/world.ts';
import { findAround, marksOf } from './around.ts';

const CLAIM: ResourceKind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims' };

const claim = (name: string, accessModes: readonly string[], bound: readonly string[] = []) =>
  object(CLAIM, name, { spec: { accessModes }, status: { accessModes: bound } });

const mounting = (...names: readonly string[]) =>
  deployment({
    podSpec: { volumes: names.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })) },
  });

const marks = (stable: ReturnType<typeof deployment>, ...others: readonly ReturnType<typeof claim>[]) =>
  marksOf(findAround(volumes, { stable, others }));

describe('a volume of stable', () => {
  test('that one node can mount is refused, unless it is allowed by name', () => {
    expect(marks(mounting('data'), claim('data', ['ReadWriteOnce']))).toEqual([
      'error unsafe-strategy PersistentVolumeClaim/data',
    ]);
  });

  test('that one pod can mount is refused for good', () => {
    expect(marks(mounting('data'), claim('data', ['ReadWriteOncePod']))).toEqual(['error unsafe-strategy']);
  });

  test('that is shared is fine, and so is one that the pods do not mount', () => {
    const shared = claim('data', ['ReadWriteOnce', 'ReadWriteMany']);

    expect(marks(mounting('data'), shared, claim('other', ['ReadWriteOnce']))).toEqual([]);
    expect(marks(mounting('data'), claim('data', ['ReadOnlyMany']))).toEqual([]);
    expect(marks(deployment(), claim('data', ['ReadWriteOnce']))).toEqual([]);
  });

  test('is what it was bound as, whatever was asked for', () => {
    expect(marks(mounting('data'), claim('data', ['ReadWriteMany'], ['ReadWriteOnce']))).toHaveLength(1);
  });

  test('that does not exist is refused, and mounted twice is told once', () => {
    const [finding, ...others] = findAround(volumes, { stable: mounting('gone', 'gone') });

    expect(others).toEqual([]);
    expect(finding?.message).toContain('PersistentVolumeClaim shop/gone does not exist');
  });

  test('of a generic ephemeral kind is each pod’s own', () => {
    const stable = deployment({ podSpec: { volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: {} } }] } });

    expect(marks(stable)).toEqual([]);
  });

  test('says nothing where claims cannot be read: that is told for all kinds at once', () => {
    expect(findAround(volumes, { stable: mounting('data'), unread: ['PersistentVolumeClaim'] })).toEqual([]);
  });
});
