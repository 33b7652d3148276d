import { type Fields, fieldsOf } from '../core/shape.ts';
import { quantityOf } from './quantity.ts';
import { items } from './shape.ts';

/** By resource name: cores of `cpu`, bytes of `memory`, pieces of what else there is. */
export type Amounts = ReadonlyMap<string, number>;

export interface PodResources {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

type Part = keyof PodResources;

const amountsOf = (value: unknown): Amounts =>
  new Map(
    Object.entries(fieldsOf(value)).flatMap(([name, written]) => {
      const amount = quantityOf(written);
      return amount === null ? [] : [[name, amount] as const];
    }),
  );

/** Names of both, each with what `combine` makes of the two amounts; what one does not name is 0 there. */
const joined = (one: Amounts, other: Amounts, combine: (a: number, b: number) => number): Amounts =>
  new Map(
    [...new Set([...one.keys(), ...other.keys()])].map((name) => [
      name,
      combine(one.get(name) ?? 0, other.get(name) ?? 0),
    ]),
  );

export const sumOf = (one: Amounts, other: Amounts): Amounts => joined(one, other, (a, b) => a + b);
export const largerOf = (one: Amounts, other: Amounts): Amounts => joined(one, other, Math.max);
export const times = (amounts: Amounts, count: number): Amounts =>
  new Map([...amounts].map(([name, amount]) => [name, amount * count]));

/** A limit without a request is the request too. */
const wanted = (holder: Fields, part: Part): Amounts => {
  const resources = fieldsOf(holder['resources']);
  const limits = amountsOf(resources['limits']);
  return part === 'limits' ? limits : new Map([...limits, ...amountsOf(resources['requests'])]);
};

const NONE: Amounts = new Map();

/**
 * What the scheduler and quotas count for one pod: containers and sidecars run together, each init container beside the
 * sidecars that were started before it; the larger counts, and the runtime's overhead comes on top. Amounts of the pod
 * as a whole stand for those of its containers.
 * https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
 */
export const podResources = (podSpec: Fields): PodResources => ({
  requests: partOf(podSpec, 'requests'),
  limits: partOf(podSpec, 'limits'),
});

const partOf = (podSpec: Fields, part: Part): Amounts => {
  const running = items(podSpec['containers']).reduce((sum, one) => sumOf(sum, wanted(one, part)), NONE);
  const { sidecars, starting } = items(podSpec['initContainers']).reduce<{ sidecars: Amounts; starting: Amounts }>(
    (so, one) => {
      const own = wanted(one, part);
      const beside = sumOf(so.sidecars, own);
      return one['restartPolicy'] === 'Always'
        ? { sidecars: beside, starting: largerOf(so.starting, beside) }
        : { sidecars: so.sidecars, starting: largerOf(so.starting, beside) };
    },
    { sidecars: NONE, starting: NONE },
  );
  const ofContainers = largerOf(sumOf(running, sidecars), starting);
  const overhead = amountsOf(podSpec['overhead']);
  // Overhead is added to limits only where there is one.
  const known = part === 'requests' ? overhead : new Map([...overhead].filter(([name]) => ofContainers.has(name)));
  return sumOf(new Map([...ofContainers, ...wanted(podSpec, part)]), known);
};
