import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ERRORS_METRIC } from '../../sandbox/shop.ts';
import type { Release, Shop, ShopOptions } from './shop.ts';
import { BAD, expectClean, expectRejected, expectUntouched, GOOD, inShop, STABLE, specOf, when } from './shop.ts';

const FILE = 'k8s/checkout.yaml';
const LABELS = { app: 'checkout' };

const CONFIG = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'checkout-config-7g2k', namespace: 'shop' },
  data: { LEVEL: 'info' },
};

interface Written {
  readonly image?: string;
  readonly config?: string;
  readonly spec?: object;
  readonly metadata?: object;
}

/** As people write it: what the API server fills in is left out. */
const deploymentOf = ({ image = GOOD, config = CONFIG.metadata.name, spec = {}, metadata = {} }: Written = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'checkout', ...metadata },
  spec: {
    selector: { matchLabels: LABELS },
    template: {
      metadata: { labels: LABELS },
      spec: {
        containers: [
          {
            name: 'checkout',
            image,
            ports: [{ name: 'http', containerPort: 8080 }],
            env: [{ name: 'LEVEL', valueFrom: { configMapKeyRef: { name: config, key: 'LEVEL' } } }],
            readinessProbe: { httpGet: { port: 'http' } },
          },
        ],
      },
    },
    ...spec,
  },
});

/** JSON is YAML too; several documents as `kustomize build` prints them. */
const yamlOf = (...documents: readonly object[]): string =>
  documents.map((document) => JSON.stringify(document, null, 2)).join('\n---\n');

const releaseFile = async (
  shop: Shop,
  text: string,
  inputs: Readonly<Record<string, string>> = {},
  run: Parameters<Shop['release']>[1] = {},
): Promise<Release> => {
  const workspace = mkdtempSync(join(tmpdir(), 'canary-manifest-'));
  try {
    const path = join(workspace, FILE);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return await shop.release({ image: '', manifest: FILE, ...inputs }, { workspace, ...run });
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
};

const withConfig = (options: ShopOptions, body: (shop: Shop) => Promise<void>) =>
  inShop(options, async (shop) => {
    shop.cluster.apply([CONFIG]);
    await body(shop);
  });

const containerIn = (shop: Shop): Readonly<Record<string, unknown>> => {
  const spec = shop.object('Deployment', 'checkout').spec as {
    template: { spec: { containers: Readonly<Record<string, unknown>>[] } };
  };
  return spec.template.spec.containers[0] ?? {};
};

describe.concurrent('a release by a manifest', () => {
  test(
    'gives stable the whole template: image, environment and probe',
    withConfig({ rps: 100 }, async (shop) => {
      const release = await releaseFile(shop, yamlOf(CONFIG, deploymentOf()));

      expect(release.outputs, release.stdout).toMatchObject({ status: 'promoted', 'reason-code': 'completed' });
      expect(containerIn(shop)).toMatchObject({
        image: GOOD,
        env: [{ name: 'LEVEL' }],
        readinessProbe: { httpGet: { port: 'http' } },
      });
      expect(shop.traffic.report().lost).toBe(0);
      await expectClean(shop);

      const again = await releaseFile(shop, yamlOf(CONFIG, deploymentOf()));
      expect(again.outputs, again.stdout).toMatchObject({ status: 'unchanged', 'reason-code': 'already-running' });
    }),
  );

  test(
    'goes back when the canary is worse, and stable is as before',
    withConfig({ rps: 200 }, async (shop) => {
      const before = specOf(shop.object('Deployment', 'checkout'));
      const release = await releaseFile(shop, yamlOf(deploymentOf({ image: 'IMAGE' })), {
        image: BAD,
        interval: '20s',
        metrics: ERRORS_METRIC,
      });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'rolled-back', 'reason-code': 'metric-failed' });
      expect(specOf(shop.object('Deployment', 'checkout'))).toEqual(before);
      await expectClean(shop);
    }),
  );

  test(
    'says what it does not release',
    withConfig({}, async (shop) => {
      const changed = { ...CONFIG, data: { LEVEL: 'debug' } };
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'keys' }, stringData: { KEY: 'sesame' } };
      const text = yamlOf(secret, changed, deploymentOf({ spec: { replicas: 5, ...specPart() } }));
      const release = await releaseFile(shop, text, { command: 'plan' });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'planned' });
      expect(release.summary).toMatch(/stay as they are there: .*spec\.replicas/);
      expect(release.summary).toMatch(
        /not as in the cluster, and left so: .*ConfigMap.*checkout-config-7g2k.*not compared: .*Secret.*keys/s,
      );
      expect(release.everything).not.toContain('sesame');
      expectUntouched(shop);
    }),
  );

  test(
    'is refused with the line of each mistake',
    withConfig({}, async (shop) => {
      const release = await releaseFile(
        shop,
        yamlOf(deploymentOf({ image: 'registry.example/checkout:IMAGE_TAG', metadata: { namespace: 'prod' } })),
      );

      expectRejected(shop, release, 'invalid-config');
      expect(release.annotations.map(({ message }) => message).join('\n')).toContain('namespace');
      expect(release.summary).toMatch(/k8s\/checkout\.yaml:6:18/);
    }),
  );

  test(
    'is refused when its ConfigMap is not there, with the name that was meant',
    withConfig({}, async (shop) => {
      const release = await releaseFile(shop, yamlOf(deploymentOf({ config: 'checkout-config-7g2l' })));

      expectRejected(shop, release, 'invalid-config');
      expect(release.summary).toContain('did you mean checkout-config-7g2k?');
    }),
  );

  test(
    'is refused when its selector is not the one that stable has',
    withConfig({}, async (shop) => {
      const labels = { app: 'checkout', tier: 'web' };
      const { spec } = deploymentOf();
      const template = { ...spec.template, metadata: { labels } };
      const release = await releaseFile(
        shop,
        yamlOf(deploymentOf({ spec: { selector: { matchLabels: labels }, template } })),
      );

      expectRejected(shop, release, 'invalid-config');
      expect(release.outputs['reason']).toContain('it can never be changed');
    }),
  );
});

const specPart = () => {
  const { selector, template } = deploymentOf().spec;
  return { selector, template };
};

describe.concurrent('the first release of a Deployment', () => {
  const EMPTY: ShopOptions = { objects: [CONFIG] };

  test(
    'creates it from the manifest and says that there was nothing to compare it with',
    inShop(EMPTY, async (shop) => {
      const release = await releaseFile(shop, yamlOf(deploymentOf({ spec: { replicas: 2, ...specPart() } })));

      expect(release.outputs, release.stdout).toMatchObject({
        status: 'promoted',
        'reason-code': 'completed',
        'final-weight': '100',
        'steps-completed': '0',
      });
      expect(release.outputs['reason']).toContain('nothing to compare it with');
      const { metadata } = shop.object('Deployment', 'checkout');
      expect({ ...metadata.labels }).toEqual({});
      expect(Object.keys(metadata.annotations ?? {}).filter((key) => key.includes('canary-rollout'))).toEqual([]);
      await expectClean(shop);

      const next = await releaseFile(shop, yamlOf(deploymentOf({ spec: { replicas: 2, ...specPart() } })));
      expect(next.outputs, next.stdout).toMatchObject({ status: 'unchanged' });
    }),
  );

  test(
    'removes it again when it does not become ready, with the reason of its pods',
    inShop(EMPTY, async (shop) => {
      const release = await releaseFile(shop, yamlOf(deploymentOf({ image: `${STABLE}-crash` })), {
        'ready-timeout': '3s',
        'pod-logs': 'summary',
      });

      expect(release.outputs, release.stdout).toMatchObject({
        status: 'rolled-back',
        'reason-code': 'canary-not-ready',
        'final-weight': '0',
      });
      expect(release.code).toBe(1);
      expect(release.outputs['reason']).toContain('CrashLoopBackOff');
      expect(release.summary).toContain('panic: DATABASE_URL is not set');
      expect(shop.cluster.get('apps/v1', 'Deployment', 'shop', 'checkout')).toBeNull();
      await expectClean(shop);
    }),
  );

  test(
    'leaves it when somebody else has changed it meanwhile',
    inShop(EMPTY, async (shop) => {
      const change = (): void => {
        const { metadata, spec } = structuredClone(shop.object('Deployment', 'checkout'));
        shop.cluster.apply([
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata,
            spec: Object.assign({}, spec, { minReadySeconds: 1 }),
          },
        ]);
      };
      const release = await releaseFile(
        shop,
        yamlOf(deploymentOf({ image: `${STABLE}-crash` })),
        { 'ready-timeout': '3s' },
        { onLine: when(/pods? (updated|ready)/, change) },
      );

      expect(release.outputs, release.stdout).toMatchObject({ status: 'halted', 'reason-code': 'canary-not-ready' });
      expect(release.outputs['reason']).toContain('somebody else has changed it');
      expect(shop.object('Deployment', 'checkout').metadata.name).toBe('checkout');
    }),
  );

  test(
    'writes nothing for a plan, and says that it would be created',
    inShop(EMPTY, async (shop) => {
      const release = await releaseFile(shop, yamlOf(deploymentOf()), { command: 'plan' });

      expect(release.outputs, release.stdout).toMatchObject({ status: 'planned', 'reason-code': 'planned' });
      expect(release.summary).toContain('would be created');
      expectUntouched(shop);
    }),
  );
});
