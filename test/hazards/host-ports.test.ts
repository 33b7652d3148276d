import { describe, expect, test } from 'vitest';
import type { KubeObject, ResourceKind } from '../../src/core/objects.ts';
import { hostPorts } from '../../src/hazards/host-ports.ts';
import { deployment, object } from '../workloads/world.ts';
import { type Around, findAround, marksOf } from './around.ts';

const NODE: ResourceKind = { apiVersion: 'v1', kind: 'Node', plural: 'nodes' };
const READY = { conditions: [{ type: 'Ready', status: 'True' }] };

const nodes = (count: number, rest: Record<string, unknown> = {}): readonly KubeObject[] =>
  Array.from({ length: count }, (_, index) => object(NODE, `node-${index + 1}`, { status: READY, ...rest }));

const taking = (podSpec: Record<string, unknown> = {}, spec: Record<string, unknown> = {}) =>
  deployment({
    replicas: 2,
    spec: { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }, ...spec },
    podSpec: {
      containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 80, hostPort: 8080 }] }],
      ...podSpec,
    },
  });

const found = (others: readonly KubeObject[], around: Around = {}) =>
  findAround(hostPorts, { stable: taking(), others, ...around });

describe('a port of the node', () => {
  test('needs a node for each pod of the plan: two, two more, and one while stable is updated', () => {
    const [finding, ...others] = found(nodes(4));

    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code: 'unsafe-strategy', allow: 'hostPort' });
    expect(finding?.message).toContain('takes port 8080 of its nodes (hostPort)');
    expect(finding?.message).toContain('the plan needs 5, and 4 can take it');
    expect(found(nodes(5))).toEqual([]);
  });

  test('needs no node for a surge that may fail to come, as a pod may be missing instead', () => {
    const stable = taking({}, { strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } });

    expect(found(nodes(4), { stable })).toEqual([]);
  });

  test.each([
    ['is cordoned', { spec: { unschedulable: true } }],
    ['has a taint', { spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } }],
    ['is not ready', { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }],
  ])('cannot be had of a node that %s', (_, rest) => {
    expect(marksOf(found([...nodes(4), ...nodes(1, rest)]))).toEqual(['error unsafe-strategy hostPort']);
  });

  test('can be had of a node whose taint is tolerated and whose labels are asked for', () => {
    const stable = taking({ tolerations: [{ key: 'gpu', operator: 'Exists' }], nodeSelector: { zone: 'a' } });
    const fitting = { metadata: { labels: { zone: 'a' } }, spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] } };

    expect(found(nodes(5, fitting), { stable })).toEqual([]);
    expect(marksOf(found(nodes(5), { stable }))).toEqual(['error unsafe-strategy hostPort']);
  });

  test('is warned of where nodes cannot be read', () => {
    const [finding] = found([], { unread: ['Node'] });

    expect(finding?.severity).toBe('warning');
    expect(finding?.message).toContain('needs 5. Nodes cannot be read.');
  });

  test('is every declared one with the network of the node', () => {
    const stable = taking({
      hostNetwork: true,
      containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 80 }, { containerPort: 9090 }] }],
    });

    expect(found(nodes(1), { stable })[0]?.message).toContain('takes ports 80, 9090 of its nodes (hostNetwork)');
  });

  test('is nothing to look for without one', () => {
    expect(found(nodes(1), { stable: deployment() })).toEqual([]);
  });
});
