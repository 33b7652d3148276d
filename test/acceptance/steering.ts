import { expect } from 'vitest';
import type { KubeObject } from '../../sandbox/cluster/objects.ts';
import type { RunOptions } from '../../sandbox/runner/index.ts';
import type { Inputs, Release, Shop } from './shop.ts';

export const HOLDING = /holding it for/;
export const LOCK = 'canary-rollout-checkout';

/** One entry of `result.rollouts`, as far as the tests look into it. */
export interface Entry {
  readonly namespace: string;
  readonly deployment: string;
  readonly id: string | null;
  readonly phase: string | null;
  readonly weight: number | null;
  readonly lock: string;
  readonly note: string | null;
  readonly failed: boolean;
}

/** A release under way. */
export interface Running {
  readonly ended: Promise<Release>;
  /** Once a line of its log fits; fails when it ends without one. */
  said(pattern: RegExp): Promise<void>;
  /** The runner dies: no signal that could be handled, no post step. */
  readonly die: () => Promise<Release>;
  /** The workflow run is cancelled. */
  readonly cancel: () => Promise<Release>;
}

export const begin = (shop: Shop, inputs: Inputs = {}, run: Partial<RunOptions> = {}): Running => {
  const [die, cancel] = [new AbortController(), new AbortController()];
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const onLine = (line: string): void => {
    lines.push(line);
    for (const look of waiting) look();
  };
  const ended = shop.release(inputs, { onLine, die: die.signal, cancel: cancel.signal, ...run });
  const said = async (pattern: RegExp): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<'said'>();
    const look = (): void => {
      if (lines.some((line) => pattern.test(line))) resolve('said');
    };
    waiting.add(look);
    look();
    const first = await Promise.race([promise, ended]);
    waiting.delete(look);
    expect(first === 'said' ? '' : first.stdout, `never said ${pattern}`).toBe('');
  };
  const stop = (how: AbortController) => (): Promise<Release> => {
    how.abort();
    return ended;
  };
  return { ended, said, die: stop(die), cancel: stop(cancel) };
};

/** Who started a run. */
export const as = (login: string): Partial<RunOptions> => ({
  env: { GITHUB_ACTOR: login, GITHUB_TRIGGERING_ACTOR: login },
});

/** Another job that only gives a command: it knows the Deployment, and nothing of weights and images. */
export const give = (shop: Shop, command: string, inputs: Inputs = {}, login = 'mona'): Promise<Release> =>
  shop.release({ command, image: '', weights: '', interval: '', drain: '', route: '', ...inputs }, as(login));

/** What `kubectl annotate --overwrite configmap` does. */
export const annotate = async (shop: Shop, command: string): Promise<number> => {
  const answer = await fetch(new URL(`/api/v1/namespaces/shop/configmaps/${LOCK}`, shop.cluster.url), {
    method: 'PATCH',
    headers: { authorization: `Bearer ${shop.cluster.adminToken}`, 'content-type': 'application/merge-patch+json' },
    body: JSON.stringify({ metadata: { annotations: { 'canary-rollout.github.io/command': command } } }),
  });
  return answer.status;
};

interface State {
  readonly phase: string;
  readonly stage: { readonly name: string };
  readonly paused: { readonly by: string } | null;
  readonly asked: readonly { readonly name: string; readonly refused: string | null; readonly at: number }[];
  readonly plan: { readonly target: { readonly rolloutId: string } };
}

/** The saved rollout; null: there is none. */
export const stateOf = (shop: Shop): State | null => {
  const map = shop.cluster.get('v1', 'ConfigMap', 'shop', LOCK) as { data?: { state?: string } } | null;
  return map?.data?.state === undefined ? null : (JSON.parse(map.data.state) as State);
};

/** Who holds the lock; '': nobody. null: there is no Lease. */
export const holderOf = (shop: Shop): string | null => {
  const lease = shop.cluster.get('coordination.k8s.io/v1', 'Lease', 'shop', LOCK);
  return lease === null ? null : ((lease.spec as { holderIdentity?: string }).holderIdentity ?? '');
};

export const entriesOf = (release: Release): readonly Entry[] =>
  (release.result as unknown as { readonly rollouts?: readonly Entry[] }).rollouts ?? [];

interface Backend {
  readonly name: string;
  readonly weight?: number;
}

/** Of stable and of the canary, as the route has them; the canary's is null when it has no entry. */
export const weightsOf = (shop: Shop): readonly [number | null, number | null] => {
  const spec = shop.object('HTTPRoute', 'checkout').spec as { rules?: { backendRefs?: Backend[] }[] };
  const backends = spec.rules?.[0]?.backendRefs ?? [];
  const of = (name: string): number | null => backends.find((backend) => backend.name === name)?.weight ?? null;
  return [of('checkout'), of('checkout-canary')];
};

interface Container {
  readonly name: string;
  image: string;
}

const containersOf = (object: KubeObject): Container[] =>
  (object.spec as unknown as { template: { spec: { containers: Container[] } } }).template.spec.containers;

export const imageOfStable = (shop: Shop): string | undefined =>
  containersOf(shop.object('Deployment', 'checkout'))[0]?.image;

/** The user's own deploy step: helm, kustomize, a GitOps commit. */
export const deploy = async (shop: Shop, image: string): Promise<void> => {
  const object = structuredClone(shop.object('Deployment', 'checkout'));
  for (const container of containersOf(object)) container.image = image;
  shop.cluster.apply([object]);
  await shop.ready('shop', 'checkout');
};

/** Versions that answered the last requests. */
export const lastVersions = (shop: Shop): readonly (string | null)[] => [
  ...new Set(shop.traffic.records.slice(-10).map(({ version }) => version)),
];

export const expectStatus = (release: Release, status: string, code: string, exit: number): void => {
  expect(release.outputs, release.stdout).toMatchObject({ status, 'reason-code': code });
  expect(release.code, release.stdout).toBe(exit);
};

/** The job ended on purpose: the weight stands, the state is kept, the lock is free. */
export const expectLeft = (shop: Shop, release: Release, weight: number): void => {
  expectStatus(release, 'paused', 'paused', 0);
  expect(release.outputs['final-weight']).toBe(String(weight));
  expect([weightsOf(shop), holderOf(shop), stateOf(shop)?.phase]).toEqual([[100 - weight, weight], '', 'left']);
};

/** From now on half of what the canary's pods answer is an error: a version that does not stay good. */
export const spoilCanary = (shop: Shop): void =>
  shop.cluster.apply(
    shop.cluster
      .list('v1', 'Pod', 'shop')
      .filter(({ metadata }) => metadata.name.includes('canary'))
      .map((pod) => ({
        ...pod,
        metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, 'farm/error-rate': '0.5' } },
      })),
  );
