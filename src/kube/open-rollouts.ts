import { CONFIG_MAP, type KubeObject, LEASE, listRef } from '../core/objects.ts';
import { isFields } from '../core/shape.ts';
import { storeName } from '../core/store-name.ts';
import type { CallResult, Cluster } from '../ports/cluster.ts';
import type { OpenRollout } from '../ports/store.ts';
import { parseJson } from './answers.ts';
import { MANAGED_BY } from './lock.ts';

const PREFIX = storeName('');
/** What the API server accepts as a name: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const SELECTOR = Object.entries(MANAGED_BY)
  .map(([key, value]) => `${key}=${value}`)
  .join(',');

/**
 * The Deployments whose state lies in a namespace, or in all of them (null), sorted. Needs the right to list ConfigMaps
 * there. A state that cannot be read is listed too: by the name in its ConfigMap's name, which leads back to it.
 */
export const listOpen = async (
  cluster: Cluster,
  namespace: string | null,
  signal: AbortSignal,
): Promise<CallResult<readonly OpenRollout[]>> => {
  const found = await cluster.list(listRef(CONFIG_MAP, namespace ?? '', SELECTOR), signal);
  if (found.kind !== 'ok') return found;
  const open = found.value.map((object) => openIn(object, namespace)).filter((one) => one !== null);
  const leases = await cluster.list(listRef(LEASE, namespace ?? '', SELECTOR), signal);
  const alone = leases.kind === 'ok' ? withoutState(leases.value, found.value, namespace) : [];
  return { kind: 'ok', value: [...open, ...alone].toSorted(byName) };
};

/** Locks of runs that died before they saved anything. Without the right to list them they stay for the next run. */
const withoutState = (
  leases: readonly KubeObject[],
  states: readonly KubeObject[],
  asked: string | null,
): readonly OpenRollout[] => {
  const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? asked ?? ''}/${metadata.name}`;
  const known = new Set(states.map(keyOf));
  return leases
    .filter((lease) => !known.has(keyOf(lease)))
    .flatMap((lease) => {
      const open = openIn(lease, asked);
      return open === null ? [] : [{ ...open, lockOnly: true }];
    });
};

const byName = (a: OpenRollout, b: OpenRollout): number => {
  const [one, other] = [`${a.namespace}/${a.deployment}`, `${b.namespace}/${b.deployment}`];
  return one < other ? -1 : Number(one > other);
};

/** null: it is no state of ours, whatever its label says. */
const openIn = (configMap: KubeObject, asked: string | null): OpenRollout | null => {
  const { name, namespace = asked ?? '' } = configMap.metadata;
  if (!name.startsWith(PREFIX) || !NAME.test(namespace)) return null;
  const told = deploymentIn(configMap);
  // Only the Deployment that this ConfigMap is for: the state of one cannot send a sweep to another.
  const deployment = told !== null && storeName(told) === name ? told : name.slice(PREFIX.length);
  return NAME.test(deployment) ? { namespace, deployment } : null;
};

/** In the state's own words; the only place where a name that was shortened stands whole. */
const deploymentIn = ({ data }: KubeObject): string | null => {
  const state = isFields(data) && typeof data['state'] === 'string' ? parseJson(data['state']) : null;
  const plan = isFields(state) ? state['plan'] : null;
  const target = isFields(plan) ? plan['target'] : null;
  const deployment = isFields(target) ? target['deployment'] : null;
  return typeof deployment === 'string' && NAME.test(deployment) ? deployment : null;
};
