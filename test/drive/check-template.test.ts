import { describe, expect, test } from 'vitest';
import { CONFIG_MAP, type KubeObject, SECRET, SERVICE } from '../../src/core/objects.ts';
import type { ManifestObject } from '../../src/core/spec.ts';
import { checkTemplate } from '../../src/drive/check-template.ts';
import { type FakeCluster, fakeCluster } from '../fakes/cluster.ts';
import { aManifest } from '../fakes/manifest.ts';
import { signal } from './adapters.ts';

const configMap = (name: string, data: Readonly<Record<string, string>> = {}): KubeObject => ({
  ...CONFIG_MAP,
  metadata: { name, namespace: 'shop' },
  data,
});
const secret = (name: string): KubeObject => ({
  ...SECRET,
  metadata: { name, namespace: 'shop' },
  data: { KEY: 'c2VzYW1l' },
});

const TEMPLATE = {
  spec: {
    containers: [
      {
        name: 'app',
        env: [{ name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'config-7g2k', key: 'LEVEL' } } }],
        envFrom: [{ secretRef: { name: 'keys' } }],
      },
    ],
  },
};

const check = async (
  cluster: FakeCluster,
  others: readonly ManifestObject[] | null = [],
  template: object = TEMPLATE,
) => {
  const manifest = others === null ? null : aManifest({}, { others });
  const input = { cluster, spec: { manifest }, namespace: 'shop', signal: signal() };
  const findings = await checkTemplate(input, template as never);
  return findings.map(({ severity, code, message, advice }) => `${severity} ${code}: ${message} (${advice})`);
};

const other = (kind: string, name: string, content: ManifestObject['content'] = null): ManifestObject => ({
  apiVersion: 'v1',
  kind,
  namespace: null,
  name,
  line: 12,
  content,
});

describe('what a pod template names', () => {
  test('is fine when it is all there', async () => {
    const cluster = fakeCluster({ objects: [configMap('config-7g2k', { LEVEL: 'info' }), secret('keys')] });

    expect(await check(cluster)).toEqual([]);
  });

  test('is refused when it is missing, with the name or the key that was meant', async () => {
    const cluster = fakeCluster({ objects: [configMap('config-7g2m'), secret('key')] });
    const keyless = fakeCluster({ objects: [configMap('config-7g2k', { LEVELS: 'info' }), secret('keys')] });

    expect(await check(cluster)).toEqual([
      'error invalid-config: ConfigMap shop/config-7g2k does not exist, and without it no pod of the new version starts (create it before the release, or mark it `optional: true`; did you mean config-7g2m?)',
      'error invalid-config: Secret shop/keys does not exist, and without it no pod of the new version starts (create it before the release, or mark it `optional: true`; did you mean key?)',
    ]);
    expect(await check(keyless)).toEqual([
      'error invalid-config: ConfigMap shop/config-7g2k has no key LEVEL, and without it no pod of the new version starts (did you mean LEVELS?)',
    ]);
  });

  test('is pointed at where the same file has it, and it was not applied', async () => {
    const found = await check(fakeCluster({ objects: [secret('keys')] }), [
      other('ConfigMap', 'config-7g2k', { data: {} }),
    ]);

    expect(found[0]).toContain('k8s/checkout.yaml has it on line 12: apply it before the release');
  });

  test('is told as not checked where it may not be read, and nothing is guessed', async () => {
    const cluster = fakeCluster({ objects: [configMap('config-7g2k', { LEVEL: 'info' })] });
    cluster.interfere((_verb, { kind }) => (kind === 'Secret' ? { kind: 'forbidden', message: 'no' } : undefined));

    expect(await check(cluster)).toEqual([
      'warning invalid-config: whether these exist was not checked, because they cannot be read: Secret keys (the right to `get` them is enough; of Secrets only the names are asked for)',
    ]);
  });

  test('is asked of Secrets by name only', async () => {
    const asked: string[] = [];
    const cluster = fakeCluster({ objects: [configMap('config-7g2k', { LEVEL: 'info' })] });
    cluster.interfere((_verb, ref) => {
      asked.push(`${ref.kind} ${ref.nameOnly === true}`);
      return undefined;
    });
    await check(cluster);

    expect(asked).toEqual(['ConfigMap false', 'Secret true', 'Secret true']);
  });

  test('of the version before is refused as a matter of the cluster, and not warned of', async () => {
    const cluster = fakeCluster({});
    cluster.interfere((_verb, { kind }) => (kind === 'Secret' ? { kind: 'forbidden', message: 'no' } : undefined));
    const found = await check(cluster, null);

    expect(found.map((text) => text.split(':')[0])).toEqual(['error refused-by-cluster']);
  });
});

describe('what else a manifest has', () => {
  const spec = { selector: { app: 'checkout' }, ports: [{ port: 80 }] };
  const live: KubeObject = {
    ...SERVICE,
    metadata: { name: 'checkout', namespace: 'shop' },
    spec: { ...spec, clusterIP: '10.0.0.7', ports: [{ port: 80, protocol: 'TCP' }] },
  };
  const objects = [live, configMap('config', { LEVEL: 'info', MODE: 'a' })];
  const plain = { spec: { containers: [] } };

  test('is not named where it is as in the cluster', async () => {
    const others = [
      other('Service', 'checkout', { spec }),
      other('ConfigMap', 'config', { data: { LEVEL: 'info', MODE: 'a' } }),
    ];

    expect(await check(fakeCluster({ objects }), others, plain)).toEqual([]);
  });

  test('is named, what differs first, and what was not compared after it', async () => {
    const others = [
      other('Ingress', 'checkout'),
      other('Service', 'checkout', { spec: { ...spec, ports: [{ port: 8080 }] } }),
      other('ConfigMap', 'config', { data: { LEVEL: 'info' } }),
      other('ConfigMap', 'new', { data: {} }),
    ];
    const [warning, ...more] = await check(fakeCluster({ objects }), others, plain);

    expect(more).toEqual([]);
    expect(warning).toContain(
      'only the Deployment of k8s/checkout.yaml is released; not as in the cluster, and left so: Service checkout (line 12), ConfigMap config (line 12), ConfigMap new (line 12, does not exist); not compared: Ingress checkout (line 12)',
    );
  });
});
