import { describe, expect, test } from 'vitest';
import { checkRights } from '../../src/drive/check-rights.ts';
import { chooseRoute, missingRoutes, routerNamed } from '../../src/drive/choose-route.ts';
import { dryRun, fieldsOfRequest } from '../../src/drive/dry-run.ts';
import { hasErrors, problemFinding } from '../../src/drive/findings.ts';
import { mailbox } from '../../src/drive/mailbox.ts';
import { claimRequest, lastResortRequest, unmarkRequest, wayBackClosed } from '../../src/drive/marking.ts';
import { mergeSeen, readAll } from '../../src/drive/read.ts';
import { bindQueries } from '../../src/drive/sampling.ts';
import { ERRORS, LATENCY } from '../core/plan.ts';
import { fakeCluster } from '../fakes/cluster.ts';
import {
  aPlan,
  aRoute,
  aService,
  CANARY_SERVICE,
  guard,
  MARKS,
  ROUTE,
  router,
  STABLE_SERVICE,
  signal,
  workload,
} from './adapters.ts';

describe('a mailbox', () => {
  test('keeps letters in order until they are taken', async () => {
    const box = mailbox<number>();
    box.push(1);
    box.push(2);

    expect([await box.next(), await box.next()]).toEqual([1, 2]);
  });

  test('hands a letter to who waits, and the next to the queue', async () => {
    const box = mailbox<number>();
    const waiting = box.next();
    box.push(1);
    box.push(2);

    expect([await waiting, await box.next()]).toEqual([1, 2]);
  });
});

const marksOn = async (annotations: Readonly<Record<string, string>>) => {
  const cluster = fakeCluster({ objects: [aRoute(0, annotations)] });
  const read = await readAll(cluster, [ROUTE, CANARY_SERVICE], signal());
  if (read.kind === 'failed') throw new Error(read.what);
  return read.seen;
};

describe('marking', () => {
  const both = [guard.holder, guard.wayBack];

  test('writes only what is missing, guarded by uid and version', async () => {
    const request = claimRequest(await marksOn({ [guard.wayBack.key]: guard.wayBack.value }), ROUTE, both);

    expect(request?.body).toEqual([
      { op: 'test', path: '/metadata/uid', value: expect.any(String) },
      { op: 'test', path: '/metadata/resourceVersion', value: expect.any(String) },
      { op: 'add', path: expect.stringContaining('holder'), value: 'token-1' },
    ]);
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ['the mark of the run before', { ...MARKS, [guard.holder.key]: 'token-0' }],
    ['no mark', { [guard.wayBack.key]: guard.wayBack.value }],
  ])('that was planned on %s and comes late does not overwrite the mark of a later run', async (_what, before) => {
    const cluster = fakeCluster({ objects: [aRoute(0, before)] });
    const read = await readAll(cluster, [ROUTE], signal());
    const late = read.kind === 'failed' ? null : claimRequest(read.seen, ROUTE, both);
    const theirs = { ...MARKS, [guard.holder.key]: 'token-2' };
    cluster.put(ROUTE, aRoute(0, theirs));

    const sent = late === null ? null : await cluster.send(late, { dryRun: false, signal: signal() });

    expect(sent).toMatchObject({ kind: 'conflict' });
    expect(cluster.get(ROUTE)?.metadata.annotations).toEqual(theirs);
  });

  test('takes over a mark whatever else has changed on the object', async () => {
    const cluster = fakeCluster({ objects: [aRoute(0, { ...MARKS, [guard.holder.key]: 'token-0' })] });
    const read = await readAll(cluster, [ROUTE], signal());
    const request = read.kind === 'failed' ? null : claimRequest(read.seen, ROUTE, both);
    cluster.put(ROUTE, aRoute(5, { ...MARKS, [guard.holder.key]: 'token-0' }));

    const sent = request === null ? null : await cluster.send(request, { dryRun: false, signal: signal() });

    expect(sent).toMatchObject({ kind: 'ok' });
    expect(cluster.get(ROUTE)?.metadata.annotations).toEqual(MARKS);
  });

  test('has nothing to do for what is marked or does not exist', async () => {
    const seen = await marksOn(MARKS);

    expect([claimRequest(seen, ROUTE, both), claimRequest(seen, CANARY_SERVICE, both)]).toEqual([null, null]);
  });

  test('removes only marks of its own', async () => {
    const seen = await marksOn({ ...MARKS, [guard.wayBack.key]: 'r2' });

    expect(unmarkRequest(seen, ROUTE, guard)?.body).toHaveLength(2);
  });

  test('removes nothing from what another run has taken over', async () => {
    const seen = await marksOn({ ...MARKS, [guard.holder.key]: 'another run' });

    expect(unmarkRequest(seen, ROUTE, guard)).toBeNull();
  });

  test.each([
    ['is open with our mark', aRoute(5), false],
    ['is closed without it', aRoute(5, {}), true],
    ['is closed with that of another rollout', aRoute(5, { [guard.wayBack.key]: 'r2' }), true],
    ['is not closed by what nobody has seen', null, false],
  ])('says that the way back %s', (_, object, closed) => {
    expect(wayBackClosed(object, guard)).toBe(closed);
  });

  test('has no last resort without both Services', async () => {
    expect(lastResortRequest(await marksOn(MARKS), aPlan().target, guard)).toBeNull();
  });
});

describe('reading', () => {
  test('takes an absent object as null and a kind that is not served as an empty list', async () => {
    const list = {
      apiVersion: 'example.com/v1',
      kind: 'Split',
      plural: 'splits',
      namespace: 'shop',
      labelSelector: '',
    };
    const read = await readAll(fakeCluster({ absent: [list] }), [ROUTE, list], signal());

    expect(read).toMatchObject({ kind: 'read', seen: { objects: new Map([[expect.any(String), null]]) } });
  });

  test('fails as a whole: half a picture must not be judged', async () => {
    const cluster = fakeCluster({ objects: [aRoute(0), aService('checkout', 'checkout')] });
    cluster.interfere((_, ref) =>
      ref.kind === 'Service' ? { kind: 'unreachable', message: 'no route to host' } : undefined,
    );

    expect(await readAll(cluster, [ROUTE, STABLE_SERVICE], signal())).toMatchObject({
      kind: 'failed',
      what: 'Service shop/checkout',
    });
  });

  test('keeps what was seen before and takes what is newer', async () => {
    const older = await marksOn(MARKS);
    const newer = await marksOn({});

    const merged = mergeSeen(older, { objects: newer.objects, lists: new Map() });

    expect([...merged.objects.values()][0]?.metadata.annotations).toEqual({});
  });
});

describe('queries', () => {
  const seen = { objects: new Map(), lists: new Map() };

  test('are bound to each arm, and match no pod where an arm has none', () => {
    const spec = { ...ERRORS, requests: 'r{pod=~"{{pods}}"}', failures: 'f{d="{{deployment}}"}' };

    const bound = bindQueries([spec], workload, seen, aPlan().target, { windowMs: 1_500 });

    expect(bound).toMatchObject([
      {
        kind: 'counted',
        metric: 'errors',
        arm: 'stable',
        requests: 'r{pod=~"checkout-1-.*"}',
        failures: 'f{d="checkout"}',
      },
      {
        kind: 'counted',
        metric: 'errors',
        arm: 'canary',
        requests: 'r{pod=~"canary-rollout-none"}',
        failures: 'f{d="checkout-canary"}',
      },
    ]);
  });

  test.each([
    [0, '1s'],
    [1_001, '2s'],
    [60_000, '60s'],
  ])('look back over %i ms as %s', (windowMs, window) => {
    const spec = { ...LATENCY, query: '{{window}}' };

    const [query] = bindQueries([spec], workload, seen, aPlan().target, { windowMs, arms: ['stable'] });

    expect(query).toMatchObject({ arm: 'stable', query: window });
  });
});

describe('choosing a route', () => {
  const service = { namespace: 'shop', name: 'checkout' };
  const choose = (names: readonly string[], choice: Parameters<typeof chooseRoute>[2] = null, of = service) => {
    const objects = names.map((name) => ({ ...aRoute(0), metadata: { name, namespace: 'shop' } }));
    return chooseRoute(fakeCluster({ objects }), [router], choice, of, signal());
  };

  test('finds the only one that leads to the Service', async () => {
    expect(await choose(['checkout'])).toMatchObject({ ok: true, value: { routes: [{ name: 'checkout' }] } });
  });

  test('refuses to choose among several, and shows what to write', async () => {
    const chosen = await choose(['checkout', 'internal']);

    expect(chosen).toMatchObject({ ok: false, problem: { code: 'ambiguous-route' } });
    expect(chosen.ok ? null : chosen.problem.advice).toContain('  split/internal');
  });

  test('says when none leads there', async () => {
    expect(await choose([])).toMatchObject({ ok: false, problem: { code: 'route-not-found' } });
  });

  test('takes those that were named', async () => {
    const routes = [{ kind: 'split', name: 'a' }];

    expect(await choose([], { kind: 'objects', routes })).toMatchObject({
      ok: true,
      value: { routes: [{ name: 'a' }] },
    });
  });

  test('refuses routes of another kind beside them', async () => {
    const routes = [
      { kind: 'split', name: 'a' },
      { kind: 'ingress', name: 'b' },
    ];

    expect(await choose([], { kind: 'objects', routes })).toMatchObject({
      ok: false,
      problem: { code: 'route-unsupported' },
    });
  });

  test('knows no router for an unknown kind', () => {
    expect(routerNamed([router], { kind: 'objects', routes: [{ kind: 'ingress', name: 'a' }] })).toBeNull();
  });

  test('names each route that does not exist', () => {
    expect(missingRoutes([ROUTE], () => false)).toMatchObject([
      { code: 'route-not-found', where: 'Split shop/checkout' },
    ]);
  });
});

describe('checking rights', () => {
  const permissions = [{ group: 'example.com', resource: 'splits', verbs: ['get', 'patch'], why: 'write the weights' }];

  test('finds nothing when all are there', async () => {
    expect(await checkRights(fakeCluster(), permissions, 'shop', signal())).toEqual([]);
  });

  test('names each that is missing, with the Role once', async () => {
    const findings = await checkRights(fakeCluster({ allowed: () => false }), permissions, 'shop', signal());

    expect(findings.map(({ message }) => message)).toEqual([
      'these credentials may not get splits in the namespace shop',
      'these credentials may not patch splits in the namespace shop',
    ]);
    expect(findings.map(({ advice }) => advice?.includes('kind: Role') ?? false)).toEqual([true, false]);
  });
});

describe('a dry run', () => {
  test('sends everything dry, and reports what is refused with its causes', async () => {
    const cluster = fakeCluster({ objects: [aRoute(0, {}), aService('checkout', 'checkout')] });
    cluster.interfere((verb) =>
      verb === 'create'
        ? { kind: 'invalid', message: 'not valid', causes: [{ field: 'spec.x', message: 'must be set' }] }
        : undefined,
    );
    const read = await readAll(cluster, [ROUTE, STABLE_SERVICE, CANARY_SERVICE], signal());
    if (read.kind === 'failed') throw new Error(read.what);

    const findings = await dryRun(
      { cluster, router, workload, watchdog: null, guard, seen: read.seen, plan: aPlan() },
      signal(),
    );

    expect(cluster.writes.every((one) => one.dryRun)).toBe(true);
    expect(findings.filter(({ message }) => message === 'not valid (spec.x: must be set)')).toHaveLength(1);
    expect(hasErrors(findings)).toBe(true);
  });

  test('reads and plans again when somebody wrote in between', async () => {
    const cluster = fakeCluster({ objects: [aRoute(0, {}), aService('checkout', 'checkout')] });
    let conflicts = 1;
    cluster.interfere((verb) => {
      if (verb !== 'patch' || conflicts === 0) return undefined;
      conflicts -= 1;
      return { kind: 'conflict', message: 'the object is not as it was' };
    });
    const read = await readAll(cluster, [ROUTE, STABLE_SERVICE, CANARY_SERVICE], signal());
    if (read.kind === 'failed') throw new Error(read.what);

    const findings = await dryRun(
      { cluster, router, workload, watchdog: null, guard, seen: read.seen, plan: aPlan() },
      signal(),
    );

    expect(conflicts).toBe(0);
    expect(findings.filter(({ message }) => message.includes('not as it was'))).toEqual([]);
  });

  test('names the fields that a patch would touch, not what it tests', () => {
    const request = claimOf();

    expect(fieldsOfRequest(request)).toEqual(['spec.weight']);
  });
});

const claimOf = () => {
  const planned = router.wayBack(
    { objects: new Map([['example.com/v1/Split/shop/checkout', aRoute(5)]]), lists: new Map() },
    aPlan().target,
    guard,
    null,
  );
  const [request] = planned;
  if (request === undefined) throw new Error('nothing planned');
  return request;
};

test('a cluster that cannot be reached is told by its address', () => {
  const finding = problemFinding({ kind: 'unreachable', message: 'no' }, 'x', 'https://cluster.example');

  expect(finding).toMatchObject({ code: 'cluster-unreachable', advice: expect.stringContaining('cluster.example') });
});

describe('a write that is forbidden', () => {
  const code = (message: string) => problemFinding({ kind: 'forbidden', message }, 'x', 'y').code;

  test.each([
    'pods "checkout-canary-sample" is forbidden: exceeded quota: team, requested: pods=1, used: pods=4, limited: pods=4',
    'pods "checkout-canary-sample" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false',
    'pods "checkout-canary-sample" is forbidden: no PriorityClass with name gold was found',
    'pods "checkout-canary-sample" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
    'admission webhook "images.example.com" denied the request: not signed',
  ])('by admission is refused by the cluster, as no right would help: %s', (message) => {
    expect(code(message)).toBe('refused-by-cluster');
  });

  test('for want of a right says so', () => {
    expect(
      code('pods is forbidden: User "ci" cannot create resource "pods" in API group "" in the namespace "shop"'),
    ).toBe('forbidden');
  });
});
