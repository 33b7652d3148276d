import { describe, expect, test } from 'vitest';
import type { Json, KubeObject } from '../../sandbox/cluster/objects.ts';
import { shopObjects } from '../../sandbox/shop.ts';
import type { Shop } from './shop.ts';
import { expectClean, GOOD, inShop, STABLE, specOf, weightsIn, when } from './shop.ts';

interface Backend {
  readonly name: string;
  readonly port: number;
  readonly weight?: number;
}

interface Rule {
  readonly filters?: readonly object[];
  readonly matches?: readonly object[];
  readonly backendRefs: readonly Backend[];
}

interface RouteSpec {
  readonly rules: readonly Rule[];
}

/** Somebody else changes the rules of the route, whatever is in them now. */
const changeRules = (shop: Shop, by: (rules: readonly Rule[]) => readonly Rule[], route = 'checkout'): void => {
  const object = shop.object('HTTPRoute', route);
  const spec = object.spec as unknown as RouteSpec;
  shop.cluster.apply([{ ...object, spec: { ...spec, rules: by(spec.rules) } as unknown as Json }]);
};

const rulesOf = (shop: Shop): readonly Rule[] =>
  (shop.object('HTTPRoute', 'checkout').spec as unknown as RouteSpec).rules;

const changeDeployment = (shop: Shop): void => {
  const object = structuredClone(shop.object('Deployment', 'checkout')) as KubeObject & {
    spec: { template: { spec: { containers: { env?: object[] }[] } } };
  };
  for (const container of object.spec.template.spec.containers) container.env = [{ name: 'LEVEL', value: 'debug' }];
  shop.cluster.apply([object]);
};

const FILTER = {
  type: 'RequestHeaderModifier',
  requestHeaderModifier: { add: [{ name: 'x-by', value: 'somebody' }] },
};
const ADDED: Rule = {
  matches: [{ path: { type: 'PathPrefix', value: '/new' } }],
  backendRefs: [{ name: 'checkout', port: 80, weight: 1 }],
};

const HOLDING = /holding it for/;

describe.concurrent('somebody else', () => {
  test(
    'who changes the route between our look and our write is not overwritten: it is planned again',
    inShop({ rps: 50 }, async (shop) => {
      const state = { changed: false };
      shop.cluster.faults.push({
        matches: (call) => {
          const isShift = call.resource === 'httproutes' && weightsIn(call).some(({ value }) => value === 50);
          if (isShift && !call.dryRun && !state.changed) {
            state.changed = true;
            changeRules(shop, (rules) => rules.map((rule) => ({ ...rule, filters: [FILTER] })));
          }
          return false;
        },
        answer: { kind: 'reset' },
      });
      const release = await shop.release();

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted' });
      const shifts = shop.cluster
        .writes()
        .filter((call) => call.resource === 'httproutes' && weightsIn(call).some(({ value }) => value === 50));
      expect(shifts.map(({ code }) => code)).toEqual([422, 200]);
      expect(rulesOf(shop)).toMatchObject([{ filters: [FILTER], backendRefs: [{ name: 'checkout' }] }]);
      expect(rulesOf(shop)[0]?.backendRefs).toHaveLength(1);
      expect(shop.traffic.report().lostBy).toEqual({});
      await expectClean(shop);
    }),
  );

  test(
    'who changes our weights while they are held has the release rolled back',
    inShop({ rps: 50 }, async (shop) => {
      const onLine = when(HOLDING, () =>
        changeRules(shop, (rules) =>
          rules.map((rule) => ({
            ...rule,
            backendRefs: rule.backendRefs.map((backend, index) => ({ ...backend, weight: index === 0 ? 10 : 90 })),
          })),
        ),
      );
      const release = await shop.release({ interval: '30s' }, { onLine });

      expect(release.outputs, release.stdout).toMatchObject({
        status: 'rolled-back',
        'reason-code': 'route-changed',
        'final-weight': '0',
      });
      expect(rulesOf(shop)[0]?.backendRefs.map(({ name }) => name)).toEqual(['checkout']);
      await expectClean(shop);
    }),
  );

  test(
    'who adds a rule to the route during the release keeps it, untouched',
    inShop({ rps: 50 }, async (shop) => {
      const before = rulesOf(shop);
      const onLine = when(HOLDING, () => changeRules(shop, (rules) => [...rules, ADDED]));
      const release = await shop.release({ weights: '20, 50', interval: '6s' }, { onLine });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted' });
      expect(rulesOf(shop)[1]).toMatchObject(ADDED);
      expect(rulesOf(shop)[0]).toEqual(before[0]);
      expect(release.result.warnings.join('\n')).toContain(
        'was added during the rollout; its traffic stays with stable',
      );
      await expectClean(shop);
    }),
  );

  test(
    'who changes the stable Deployment during a step has the release rolled back, and the change kept',
    inShop({ rps: 50 }, async (shop) => {
      const before = specOf(shop.object('HTTPRoute', 'checkout'));
      const release = await shop.release({ interval: '30s' }, { onLine: when(HOLDING, () => changeDeployment(shop)) });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'rolled-back', 'reason-code': 'stable-changed' });
      expect(shop.object('Deployment', 'checkout').spec).toMatchObject({
        template: { spec: { containers: [{ image: STABLE, env: [{ name: 'LEVEL' }] }] } },
      });
      expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
      await expectClean(shop);
    }),
  );
});

describe.concurrent('two releases', () => {
  test(
    'of one Deployment: the second is rejected with the run that holds the lock',
    inShop({}, async (shop) => {
      const stop = new AbortController();
      const second: { release?: ReturnType<Shop['release']> } = {};
      const onLine = when(HOLDING, () => {
        second.release = shop.release({}, { env: { GITHUB_RUN_ID: '4712' } });
        void second.release.finally(() => stop.abort());
      });
      const first = await shop.release({ interval: '60s' }, { onLine, die: stop.signal });
      const rejected = await second.release;

      expect(first.signal).toBe('SIGKILL');
      expect(rejected?.outputs).toMatchObject({ status: 'rejected', 'reason-code': 'lock-held' });
      expect(rejected?.outputs['reason']).toContain(
        `${shop.github.serverUrl}/acme/checkout/actions/runs/4711/attempts/1`,
      );
      expect(rejected?.code).toBe(1);
      expect(new Set(shop.cluster.writes().map(({ userAgent }) => userAgent)).size).toBe(1);
    }),
  );

  test(
    'of two Deployments on one route go side by side, and both put it back',
    inShop(
      {
        objects: [
          ...shopObjects().slice(0, 2),
          ...shopObjects({ name: 'search', image: 'registry.example/search:2.0.0', route: null }),
          {
            apiVersion: 'gateway.networking.k8s.io/v1',
            kind: 'HTTPRoute',
            metadata: { name: 'checkout', namespace: 'shop' },
            spec: {
              parentRefs: [{ name: 'web' }],
              rules: ['checkout', 'search'].map((name) => ({
                matches: [{ path: { type: 'PathPrefix', value: `/${name}` } }],
                backendRefs: [{ name, port: 80 }],
              })),
            },
          },
        ],
      },
      async (shop) => {
        await Promise.all(['checkout', 'search'].map((name) => shop.ready('shop', name)));
        await shop.until('endpoints', () => shop.cluster.dataPlane.endpoints.get('shop/search')?.length === 3);
        await shop.until('the gateway', () => shop.cluster.dataPlane.rules.size > 0);
        shop.traffic.start({ rps: 100, target: 'httproute/checkout' });
        const before = specOf(shop.object('HTTPRoute', 'checkout'));
        const [checkout, search] = await Promise.all([
          shop.release({ weights: '10, 50' }),
          shop.release({ weights: '20, 40', deployment: 'search', image: 'registry.example/search:2.1.0' }),
        ]);

        expect(checkout.outputs, checkout.stdout).toMatchObject({ status: 'promoted' });
        expect(search.outputs, search.stdout).toMatchObject({ status: 'promoted' });
        expect(specOf(shop.object('HTTPRoute', 'checkout'))).toEqual(before);
        expect(shop.object('Deployment', 'checkout').spec).toMatchObject({
          template: { spec: { containers: [{ image: GOOD }] } },
        });
        expect(shop.traffic.report().lostBy).toEqual({});
        await expectClean(shop);
      },
    ),
  );
});
