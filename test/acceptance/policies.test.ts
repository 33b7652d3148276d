import { describe, expect, test } from 'vitest';
import type { Call } from '../../sandbox/cluster/requests.ts';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Release, Shop } from './shop.ts';
import { BAD, expectClean, expectRejected, GOOD, inShop, of } from './shop.ts';
import { begin } from './steering.ts';

const KINDS = {
  NetworkPolicy: 'networking.k8s.io/v1',
  PodDisruptionBudget: 'policy/v1',
  PodMonitor: 'monitoring.coreos.com/v1',
} as const;
const CHECKOUT = { matchLabels: { app: 'checkout' } };

const policy = (kind: keyof typeof KINDS, name: string, spec: object): object => ({
  apiVersion: KINDS[kind],
  kind,
  metadata: { name, namespace: 'shop', labels: { 'argocd.argoproj.io/instance': 'shop' } },
  spec,
});

/** What a shop with some care has: its pods closed, its database open to it alone, its nodes drained with care. */
const POLICIES = [
  policy('NetworkPolicy', 'checkout', {
    podSelector: CHECKOUT,
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ namespaceSelector: { matchLabels: { role: 'gateway' } } }] }],
  }),
  policy('NetworkPolicy', 'database', {
    podSelector: { matchLabels: { app: 'database' } },
    policyTypes: ['Ingress'],
    ingress: [{ from: [{ podSelector: CHECKOUT }], ports: [{ port: 5432, protocol: 'TCP' }] }],
  }),
  policy('PodDisruptionBudget', 'checkout', { selector: CHECKOUT, minAvailable: 2 }),
  policy('PodMonitor', 'checkout', { selector: CHECKOUT, podMetricsEndpoints: [{ port: 'http' }] }),
];
const ALLOW = 'NetworkPolicy/checkout, NetworkPolicy/database, PodDisruptionBudget/checkout, PodMonitor/checkout';
const COPY = 'NetworkPolicy, PodDisruptionBudget, PodMonitor';
const COPIES = [
  'networkpolicies checkout-canary',
  'networkpolicies database-canary-peers',
  'poddisruptionbudgets checkout-canary',
  'podmonitors checkout-canary',
];

const all = ({ cluster }: Shop) =>
  Object.entries(KINDS).flatMap(([kind, apiVersion]) => cluster.list(apiVersion, kind, 'shop'));

/** A shop with the policies; its body must leave them as they are. */
const guarded = (options: Parameters<typeof inShop>[0], body: (shop: Shop) => Promise<void>) =>
  inShop(options, async (shop) => {
    shop.cluster.apply(POLICIES);
    const before = structuredClone(all(shop));
    await body(shop);
    expect(all(shop)).toEqual(before);
  });

/** A create names its object in the body alone. */
const nameOf = ({ name, body }: Call): string =>
  name || String((body as { metadata?: { name?: unknown } } | null)?.metadata?.name ?? '');

const changed = (shop: Shop, verb: string): string[] =>
  shop.cluster
    .writes()
    .filter((call) => call.verb === verb && !call.dryRun && /policies|budgets|monitors/.test(call.resource))
    .map((call) => `${call.resource} ${nameOf(call)}`)
    .sort();

const expectCopied = (shop: Shop, { stdout }: Release): void => {
  expect([changed(shop, 'create'), changed(shop, 'delete')], stdout).toEqual([COPIES, COPIES]);
};

describe.concurrent('policies that cover stable and not the canary', () => {
  test(
    'are refused by name, all of them at once, with nothing written',
    guarded({}, async (shop) => {
      const release = await shop.release();

      expectRejected(shop, release, 'policy-mismatch');
      for (const name of ALLOW.split(', ')) expect(release.everything).toContain(`\`allow: ${name}\``);
      expect(release.everything).toContain('`copy: NetworkPolicy`');
    }),
  );

  test(
    'are warnings where they are allowed, and one that is not is still refused',
    guarded({}, async (shop) => {
      const most = await shop.release({ command: 'plan', allow: ALLOW.replace(', NetworkPolicy/database', '') });
      const each = await shop.release({ command: 'plan', allow: ALLOW });

      expect(most.outputs['reason-code']).toBe('policy-mismatch');
      expect(each.outputs['status'], each.stdout).toBe('planned');
      expect(each.result.warnings.join('\n')).toContain('(allowed by `allow: NetworkPolicy/database`)');
    }),
  );

  test(
    'are copied for a good release, and the copies are gone afterwards',
    guarded({ rps: 50 }, async (shop) => {
      const release = await shop.release({ copy: COPY, image: GOOD, metrics: ERRORS_METRIC });

      expect(release.outputs['status'], release.stdout).toBe('promoted');
      expect(shop.traffic.report().lost).toBe(0);
      expectCopied(shop, release);
      await expectClean(shop);
    }),
  );

  test(
    'are copied for a bad release, before its pods, and removed after them',
    guarded({ rps: 50 }, async (shop) => {
      const release = await shop.release({ copy: COPY, image: BAD, metrics: ERRORS_METRIC, interval: '20s' });

      expect(release.outputs['status'], release.stdout).toBe('rolled-back');
      expectCopied(shop, release);
      const order = shop.cluster
        .writes()
        .filter((call) => !call.dryRun && nameOf(call) === 'checkout-canary' && call.verb !== 'patch')
        .map(({ verb, resource }) => `${verb} ${resource}`);
      expect(order.indexOf('create networkpolicies')).toBeLessThan(order.indexOf('create deployments'));
      expect(order.indexOf('delete networkpolicies')).toBeGreaterThan(order.indexOf('delete deployments'));
      await expectClean(shop);
    }),
  );

  test(
    'have copies that a dead runner leaves, and the next run removes and makes anew',
    guarded({}, async (shop) => {
      const run = begin(shop, { copy: COPY, interval: '50s' });
      await run.said(/holding it for 50 s/);
      await run.die();
      expect(changed(shop, 'delete')).toEqual([]);

      const next = await shop.release({ copy: COPY, 'on-expired': 'rollback' });

      expect(next.outputs['status'], next.stdout).toBe('promoted');
      expect(changed(shop, 'create')).toEqual([...COPIES, ...COPIES].sort());
      expect(changed(shop, 'delete')).toEqual([...COPIES, ...COPIES].sort());
      await expectClean(shop);
    }),
    180_000,
  );

  test(
    'are not copied over an object that has the copy’s name',
    inShop({}, async (shop) => {
      const taken = policy('PodMonitor', 'checkout-canary', { selector: { matchLabels: { app: 'cart' } } });
      shop.cluster.apply([...POLICIES, taken]);
      const release = await shop.release({ copy: COPY });

      expect(release.outputs['reason-code'], release.stdout).toBe('object-exists');
      expect(of(shop.cluster.writes(), 'create', 'podmonitors')).toEqual([]);
    }),
  );
});
