import { describe, expect, test } from 'vitest';
import type { KubeObject, Metadata } from '../../src/core/objects.ts';
import { refKey } from '../../src/core/objects.ts';
import { startRollout } from '../../src/core/start.ts';
import { weightOnly } from '../../src/core/traffic.ts';
import type { Json } from '../../src/core/units.ts';
import { changedBy, lastWriter } from '../../src/drive/changed-by.ts';
import { observe } from '../../src/drive/look.ts';
import { aPlan, aRoute, guard, ROUTE, router, workload } from './adapters.ts';

type Entry = NonNullable<Metadata['managedFields']>[number];

const RULES: Json = { 'f:spec': { 'f:rules': {} } };
const at = (second: number): string => `2026-03-01T10:00:${String(second).padStart(2, '0')}Z`;
const entry = (manager: string, second: number, fieldsV1: Json = RULES): Entry => ({
  manager,
  operation: 'Update',
  time: at(second),
  fieldsV1,
});

const written = (...managedFields: readonly Entry[]): KubeObject => {
  const route = aRoute(0);
  return { ...route, metadata: { ...route.metadata, managedFields } };
};

const FIELDS = ['spec.rules[0].backendRefs[checkout-canary]', 'spec.rules[0].backendRefs[checkout].weight'];
const writer = (...managedFields: readonly Entry[]) => lastWriter(written(...managedFields), FIELDS)?.manager ?? null;

const OURS = entry('canary-rollout', 10, { 'f:metadata': { 'f:annotations': {} } });

describe('who changed our entries', () => {
  test('is the manager that owns them now', () => {
    expect(writer(OURS, entry('argocd-controller', 20))).toBe('Argo CD');
  });

  test('is the newest where several own a part of the list', () => {
    const parts: Json = { 'f:spec': { 'f:rules': { 'k:{"name":"a"}': {} } } };

    expect(writer(OURS, entry('kubectl-edit', 20, parts), entry('kustomize-controller', 21, parts))).toBe('Flux');
  });

  test('is the one whose set holds the whole spec', () => {
    expect(writer(OURS, entry('helm', 20, { 'f:spec': {} }))).toBe('Helm');
  });

  test('is not who wrote other fields', () => {
    expect(writer(OURS, entry('kubectl-edit', 20, { 'f:spec': { 'f:hostnames': {} } }))).toBeNull();
    expect(writer(OURS, entry('gateway', 20, { 'f:status': { 'f:parents': {} } }))).toBeNull();
  });

  test('is not who wrote them before us', () => {
    expect(writer(entry('kubectl-create', 9), OURS)).toBeNull();
  });

  test('is not ourselves', () => {
    expect(writer(entry('canary-rollout', 10))).toBeNull();
  });

  test('is unknown where the object does not tell', () => {
    expect(lastWriter(aRoute(0), FIELDS)).toBeNull();
    expect(writer({ operation: 'Update', time: at(20), fieldsV1: RULES })).toBeNull();
  });

  test.each([
    ['argocd-application-controller', 'Argo CD'],
    ['helm-controller', 'Flux'],
    ['kubectl-client-side-apply', 'kubectl'],
    ['kubectl', 'kubectl'],
    ['rancher', 'Rancher'],
    ['Terraform', 'Terraform'],
    ['kubectlish', 'kubectlish'],
    ['our-operator', 'our-operator'],
    ['two\nlines\u202e', 'two lines'],
  ])('%j is called %j', (manager, name) => {
    expect(writer(OURS, entry(manager, 20))).toBe(name);
  });

  test('has a name of a bearable length', () => {
    expect(writer(OURS, entry('x'.repeat(500), 20))).toHaveLength(60);
  });

  test('is asked of every route, and the newest counts', () => {
    const second = { ...ROUTE, name: 'second' };
    const seen = {
      objects: new Map<string, KubeObject | null>([
        [refKey(ROUTE), written(OURS, entry('kubectl-edit', 20))],
        [refKey(second), written(OURS, entry('argocd-controller', 30))],
        ['gone', null],
      ]),
      lists: new Map(),
    };
    const fields = () => ({ [refKey(ROUTE)]: FIELDS, [refKey(second)]: FIELDS, gone: FIELDS, unread: FIELDS });

    expect(changedBy({ fields }, seen, aPlan().target)).toBe('Argo CD');
  });
});

describe('a look at the route', () => {
  const fields = () => ({ [refKey(ROUTE)]: FIELDS });
  const look = (weight: number) => {
    const route = { ...aRoute(weight), metadata: written(OURS, entry('argocd-controller', 20)).metadata };
    const rollout = { ...startRollout(aPlan(), 0), phase: 'progressing' as const };
    const effect = { kind: 'observe', id: 1, since: 0, want: weightOnly(500), stage: null, depth: 'light' } as const;
    const seen = { objects: new Map([[refKey(ROUTE), route]]), lists: new Map() };
    return observe({ router: { ...router, fields }, workload, guard }, rollout, effect, seen, 0);
  };

  test('names who changed it when our entries are not as we wrote them', () => {
    expect(look(0)).toMatchObject({ asWanted: false, changedBy: 'Argo CD' });
  });

  test('names nobody while they are, whoever else wrote to the object', () => {
    expect(look(500)).toMatchObject({ asWanted: true, changedBy: null });
  });
});
