import { beforeAll, expect, test } from 'vitest';
import { CONFIG_MAP, LEASE, objectRef } from '../../src/core/objects.ts';
import { connect as connectCluster } from '../../src/kube/cluster.ts';
import { listOpen } from '../../src/kube/open-rollouts.ts';
import { createStore } from '../../src/kube/store.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { Cluster } from '../../src/ports/cluster.ts';
import type { Store } from '../../src/ports/store.ts';
import { aPlan, aRollout } from '../fakes/rollout.ts';
import type { Entrance, Rule } from './api-client.ts';

interface Context {
  entrance: Entrance;
  admin: Cluster;
}

const HTTP_ROUTE = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' };
const COMMAND = 'canary-rollout.github.io/command';
const { signal } = new AbortController();

const clock: Clock = {
  now: () => Date.now(),
  sleepUntil: (at, over) =>
    new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        reject(over.reason);
      };
      const timer = setTimeout(
        () => {
          over.removeEventListener('abort', end);
          resolve();
        },
        Math.max(0, at - Date.now()),
      );
      if (over.aborted) end();
      else over.addEventListener('abort', end, { once: true });
    }),
};

/** Finds a living holder at once, instead of after watching it. */
const impatient: Clock = { now: clock.now, sleepUntil: () => Promise.reject(new Error('no time')) };

const clusterFor = (entrance: Entrance, token: string, onRequest: () => void = () => undefined): Cluster => {
  const authority =
    entrance.ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(entrance.ca).toString('base64') };
  const kubeconfig = JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    clusters: [{ name: 'c', cluster: { server: entrance.url, ...authority } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'main', context: { cluster: 'c', user: 'u', namespace: entrance.namespace } }],
  });
  const environment = {};
  const made = connectCluster({
    kubeconfig,
    context: null,
    environment,
    userAgent: 'canary-rollout/conformance',
    proxyFor: () => null,
    onRequest,
  });
  if (!made.ok) throw new Error(made.problem.message);
  return made.value;
};

const storeFor = (cluster: Cluster, namespace: string, deployment: string, ticking: Clock = clock): Store =>
  createStore({
    cluster,
    namespace,
    deployment,
    clock: ticking,
    randomToken: () => `t-${Math.random().toString(36).slice(2)}`,
    routeKinds: [HTTP_ROUTE],
  });

const rolloutOf = (namespace: string, deployment: string) => {
  const plan = aPlan();
  return aRollout({ plan: { ...plan, target: { ...plan.target, namespace, deployment, routes: [] } } });
};

const holderIn = (lease: Awaited<ReturnType<Cluster['read']>>): unknown =>
  lease.kind === 'ok' ? Object(lease.value['spec'])['holderIdentity'] : lease.kind;

const bearer = ({ headers }: Entrance): string => (headers['authorization'] ?? '').replace('Bearer ', '');

/** What a run needs on its own ConfigMap and Lease, by name where RBAC can: a create has no name to check. */
const rightsOn = (name: string, withWatch: boolean): readonly Rule[] => [
  {
    apiGroups: [''],
    resources: ['configmaps'],
    verbs: ['get', 'patch', 'delete', ...(withWatch ? ['watch'] : [])],
    resourceNames: [name],
  },
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'patch', 'delete'],
    resourceNames: [name],
  },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create'] },
];

const commands = (context: Context): void => {
  test.each([
    ['by a watch of its name', 'watched', true],
    ['by reading, without the right to watch', 'polled', false],
  ])('a command is handed over, heard %s, and taken away', async (_how, deployment, withWatch) => {
    const { entrance, admin } = context;
    const { namespace } = entrance;
    let requests = 0;
    const token = await entrance.grant(rightsOn(`canary-rollout-${deployment}`, withWatch));
    const cluster = clusterFor(entrance, token, () => {
      requests += 1;
    });
    const store = storeFor(cluster, namespace, deployment);
    await store.acquire({ id: 'run-1', runUrl: null }, signal);
    await store.save(rolloutOf(namespace, deployment), signal);
    const other = storeFor(admin, namespace, deployment);
    const over = new AbortController();
    requests = 0;

    const heard: unknown[] = [];
    const listening = (async () => {
      for await (const command of store.commands(over.signal)) {
        heard.push([command, withWatch ? requests : 'some']);
        await store.acknowledge(command, signal);
        over.abort();
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const handed = await other.hand({ name: 'abort', rolloutId: 'r-1', by: 'mona', id: 'job-1' }, signal);
    await listening;

    const command = { name: 'abort', rolloutId: 'r-1', by: 'mona', id: 'job-1', raw: 'abort@r-1 job-1' };
    expect(handed).toEqual({ kind: 'ok', value: command });
    expect(heard).toEqual([[command, withWatch ? 1 : 'some']]);
    expect(await other.pending(signal)).toEqual({ kind: 'ok', value: null });
  });

  test('the last of two commands counts, and an acknowledgement of the first leaves it', async () => {
    const { namespace } = context.entrance;
    const store = storeFor(context.admin, namespace, 'words');
    await store.acquire({ id: 'run-1', runUrl: null }, signal);
    await store.save(rolloutOf(namespace, 'words'), signal);
    const first = await store.hand({ name: 'pause', rolloutId: null, by: 'mona', id: '1' }, signal);
    const second = await store.hand({ name: 'abort', rolloutId: null, by: null, id: null }, signal);

    if (first.kind === 'ok') await store.acknowledge(first.value, signal);
    const left = await store.pending(signal);

    expect(left).toEqual(second);
    expect(left).toEqual({ kind: 'ok', value: { name: 'abort', rolloutId: null, by: null, id: null, raw: 'abort' } });
    expect(
      (
        await storeFor(context.admin, namespace, 'nobody').hand(
          { name: 'abort', rolloutId: null, by: null, id: null },
          signal,
        )
      ).kind,
    ).toBe('missing');
  });

  test('a command that kubectl wrote is heard and taken away', async () => {
    const { namespace } = context.entrance;
    const store = storeFor(context.admin, namespace, 'hand');
    const ref = objectRef(CONFIG_MAP, namespace, 'canary-rollout-hand');
    await store.acquire({ id: 'run-1', runUrl: null }, signal);
    await store.save(rolloutOf(namespace, 'hand'), signal);
    const body = { metadata: { annotations: { [COMMAND]: 'pause' } } };
    const contentType = 'application/merge-patch+json';
    await context.admin.send({ verb: 'patch', ref, contentType, body }, { dryRun: false, signal });

    const found = await store.pending(signal);
    if (found.kind === 'ok' && found.value !== null) await store.acknowledge(found.value, signal);
    const after = await context.admin.read(ref, signal);

    expect(found).toMatchObject({ kind: 'ok', value: { name: 'pause', by: null, id: null, raw: 'pause' } });
    expect(Object.keys(after.kind === 'ok' ? (after.value.metadata.annotations ?? {}) : {})).not.toContain(COMMAND);
  });
};

const lock = (context: Context): void => {
  const storesOf = (deployment: string, count: number): readonly Store[] =>
    Array.from({ length: count }, () => storeFor(context.admin, context.entrance.namespace, deployment, impatient));
  const race = async (stores: readonly Store[]): Promise<readonly (readonly [string, Store])[]> =>
    Promise.all(
      stores.map(async (store, index) => {
        const taken = await store.acquire({ id: `run-${index}`, runUrl: null }, signal);
        return [taken.kind, store] as const;
      }),
    );

  test('of eight who want the lock at once one gets it, when there is no Lease and when there is a free one', async () => {
    const stores = storesOf('race', 8);

    const first = await race(stores);
    await first.find(([kind]) => kind === 'acquired')?.[1].release(true, signal);
    const second = await race(stores);

    const once = ['acquired', 'held', 'held', 'held', 'held', 'held', 'held', 'held'];
    expect(first.map(([kind]) => kind).toSorted()).toEqual(once);
    expect(second.map(([kind]) => kind).toSorted()).toEqual(once);
  });

  test('a Lease that was deleted is made again, by one of two', async () => {
    const { namespace } = context.entrance;
    const ref = objectRef(LEASE, namespace, 'canary-rollout-deleted');
    const [ours, theirs] = storesOf('deleted', 2);
    await ours?.acquire({ id: 'ours', runUrl: null }, signal);
    await ours?.save(rolloutOf(namespace, 'deleted'), signal);
    const remove = { verb: 'delete', ref, contentType: 'application/json', body: {} } as const;
    await context.admin.send(remove, { dryRun: false, signal });

    const renewed = await ours?.renew(signal);
    const refused = await theirs?.acquire({ id: 'theirs', runUrl: null }, signal);
    const between = await context.admin.read(ref, signal);
    await context.admin.send(remove, { dryRun: false, signal });
    const both = await Promise.all([ours?.renew(signal), theirs?.acquire({ id: 'theirs', runUrl: null }, signal)]);
    const after = await context.admin.read(ref, signal);

    expect([renewed?.kind, refused?.kind, holderIn(between)]).toEqual(['saved', 'held', 'ours']);
    expect([
      ['saved', 'held', 'ours'],
      ['lost', 'acquired', 'theirs'],
    ]).toContainEqual([both[0]?.kind, both[1]?.kind, holderIn(after)]);
  });

  test('a run whose lock was taken can neither renew nor save nor remove', async () => {
    const { namespace } = context.entrance;
    const [zombie, next] = storesOf('zombie', 2);
    await zombie?.acquire({ id: 'same', runUrl: null }, signal);
    await zombie?.save(rolloutOf(namespace, 'zombie'), signal);
    await next?.acquire({ id: 'same', runUrl: null }, signal);
    await next?.save({ ...rolloutOf(namespace, 'zombie'), step: 1 }, signal);

    const kinds = [
      await zombie?.renew(signal),
      await zombie?.save(rolloutOf(namespace, 'zombie'), signal),
      await zombie?.release(false, signal),
    ].map((saved) => saved?.kind);
    const left = await next?.load(signal);

    expect(kinds).toEqual(['lost', 'lost', 'lost']);
    expect(zombie?.heldUntil()).toBeNull();
    expect(left).toMatchObject({ kind: 'open', saved: { kind: 'rollout', rollout: { step: 1 } } });
    expect(await next?.release(false, signal)).toEqual({ kind: 'saved' });
    expect(await next?.load(signal)).toEqual({ kind: 'none', lock: null });
  });
};

const lists = (context: Context): void => {
  test('open rollouts are listed, in one namespace and in all', async () => {
    const entrance = context.entrance;
    const { namespace } = entrance;
    const store = storeFor(context.admin, namespace, 'listed');
    await store.acquire({ id: 'run-1', runUrl: null }, signal);
    await store.save(rolloutOf(namespace, 'listed'), signal);

    const here = await listOpen(context.admin, namespace, signal);
    const everywhere = await listOpen(context.admin, null, signal);
    const limited = clusterFor(entrance, await entrance.grant(rightsOn('canary-rollout-listed', true)));

    const wanted = { namespace, deployment: 'listed' };
    expect(here.kind === 'ok' ? here.value : here).toContainEqual(wanted);
    expect(everywhere.kind === 'ok' ? everywhere.value : everywhere).toContainEqual(wanted);
    expect((await listOpen(limited, namespace, signal)).kind).toBe('forbidden');
  });
};

/** What a store relies on, with our own client: the sandbox and a real API server both do it. */
export const storeConformance = (connect: () => Promise<Entrance>): void => {
  const context = {} as Context;
  beforeAll(async () => {
    context.entrance = await connect();
    context.admin = clusterFor(context.entrance, bearer(context.entrance));
  });
  commands(context);
  lock(context);
  lists(context);
};
