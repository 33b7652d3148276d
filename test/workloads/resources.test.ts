import { describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/core/format.ts';
import { podResources } from '../../src/workloads/pod-resources.ts';
import { quantityOf } from '../../src/workloads/quantity.ts';

test.each([
  ['100m', 0.1],
  ['1.5', 1.5],
  ['.5', 0.5],
  ['2', 2],
  [3, 3],
  ['1e3', 1_000],
  ['1E', 1e18],
  ['128Mi', 134_217_728],
  ['1Gi', 2 ** 30],
  ['1M', 1e6],
  ['250u', 0.00025],
])('the quantity %s is %s', (text, amount) => {
  expect(quantityOf(text)).toBeCloseTo(amount, 9);
});

test.each(['', 'many', '1 Gi', '1gi', '--1', Number.NaN, null, {}, 'Infinity'])('%s is no quantity', (text) => {
  expect(quantityOf(text)).toBeNull();
});

test('amounts are told as people write them', () => {
  const amounts = [
    ['cpu', 0.1 + 0.2],
    ['memory', 2 ** 31],
    ['memory', 0],
    ['ephemeral-storage', 1536],
    ['pods', 1],
    ['pods', 2],
    ['nvidia.com/gpu', 2],
  ] as const;

  expect(amounts.map(([resource, amount]) => formatAmount(resource, amount))).toEqual([
    '0.3 CPU',
    '2 GiB',
    '0 B',
    '1.5 KiB',
    '1 pod',
    '2 pods',
    '2 nvidia.com/gpu',
  ]);
});

describe('what a pod asks for', () => {
  const cpu = (request: number, rest: Record<string, unknown> = {}) => ({
    resources: { requests: { cpu: request } },
    ...rest,
  });
  const sidecar = (request: number) => cpu(request, { restartPolicy: 'Always' });
  const asked = (podSpec: Record<string, unknown>) => podResources(podSpec).requests.get('cpu');

  test('is the sum of its containers, or its largest init container', () => {
    expect(asked({ containers: [cpu(1), cpu(2)], initContainers: [cpu(2), cpu(1)] })).toBe(3);
    expect(asked({ containers: [cpu(1)], initContainers: [cpu(5), cpu(4)] })).toBe(5);
  });

  test('has sidecars beside the containers, and beside the init containers after them', () => {
    expect(asked({ containers: [cpu(1)], initContainers: [sidecar(2), cpu(0.5)] })).toBe(3);
    expect(asked({ containers: [cpu(1)], initContainers: [sidecar(2), cpu(4)] })).toBe(6);
    expect(asked({ containers: [cpu(1)], initContainers: [cpu(4), sidecar(2)] })).toBe(4);
  });

  test('has the overhead of its runtime on top', () => {
    expect(asked({ containers: [cpu(1)], overhead: { cpu: '250m' } })).toBe(1.25);
    expect(podResources({ containers: [cpu(1)], overhead: { cpu: '250m' } }).limits.size).toBe(0);
  });

  test('is the limit where there is no request, and what the pod as a whole asks for where it does', () => {
    const limited = { resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1' } } };

    expect(podResources({ containers: [limited] }).requests).toEqual(
      new Map([
        ['cpu', 1],
        ['memory', 2 ** 30],
      ]),
    );
    expect(asked({ containers: [cpu(1)], resources: { requests: { cpu: '4' } } })).toBe(4);
  });

  test('is nothing where nothing is said, whatever the shape', () => {
    expect(podResources({ containers: 'no', initContainers: [null], overhead: 7 })).toEqual({
      requests: new Map(),
      limits: new Map(),
    });
  });
});
