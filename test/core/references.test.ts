import { describe, expect, test } from 'vitest';
import { referencesOf } from '../../src/core/references.ts';
import { writtenPaths } from '../../src/core/written-paths.ts';

describe('the ConfigMaps and Secrets that a pod template names', () => {
  test('are those of environment, volumes and projected volumes, of init containers too, each once', () => {
    const template = {
      spec: {
        initContainers: [{ name: 'init', envFrom: [{ secretRef: { name: 'keys' } }] }],
        containers: [
          {
            name: 'app',
            env: [
              { name: 'PLAIN', value: 'x' },
              { name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'config', key: 'level' } } },
              { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'config', key: 'mode' } } },
              { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'token', key: 'value' } } },
              { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            ],
            envFrom: [{ configMapRef: { name: 'more' } }, { secretRef: { name: 'keys' } }],
          },
        ],
        volumes: [
          { name: 'files', configMap: { name: 'files', items: [{ key: 'a.conf', path: 'a.conf' }] } },
          { name: 'tls', secret: { secretName: 'tls' } },
          { name: 'all', projected: { sources: [{ configMap: { name: 'one' } }, { secret: { name: 'two' } }, {}] } },
          { name: 'cache', emptyDir: {} },
        ],
      },
    };

    expect(referencesOf(template).map(({ kind, name, keys }) => [kind, name, keys.join()].join(' '))).toEqual([
      'Secret keys ',
      'ConfigMap config level,mode',
      'Secret token value',
      'ConfigMap more ',
      'ConfigMap files a.conf',
      'Secret tls ',
      'ConfigMap one ',
      'Secret two ',
    ]);
    expect(referencesOf(template)[1]?.where).toBe('containers[app].env[LEVEL]');
  });

  test('are not those that are optional', () => {
    const env = [{ name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'config', key: 'level', optional: true } } }];
    const volumes = [{ name: 'tls', secret: { secretName: 'tls', optional: true } }];

    expect(referencesOf({ spec: { containers: [{ name: 'app', env }], volumes } })).toEqual([]);
  });

  test('are none in what is no template', () => {
    for (const hostile of [null, 'x', [], { spec: { containers: 'x', volumes: [null, 7] } }])
      expect(referencesOf(hostile)).toEqual([]);
  });
});

describe('what differs from what is written', () => {
  test('is not what was left out, nor what is written as nothing', () => {
    const live = {
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
      ports: [{ port: 80, protocol: 'TCP' }],
    };

    expect(writtenPaths(live, { rollingUpdate: { maxSurge: 1 }, ports: [{ port: 80 }], other: null }, 'spec')).toEqual(
      [],
    );
    expect(writtenPaths(undefined, {}, 'spec')).toEqual([]);
  });

  test('is what is written otherwise, and what is written and not there', () => {
    const live = { rollingUpdate: { maxSurge: 1 }, ports: [{ port: 80 }] };

    expect(
      writtenPaths(live, { rollingUpdate: { maxSurge: 2 }, ports: [{ port: 80 }, { port: 81 }], paused: true }, 'spec'),
    ).toEqual(['spec.paused', 'spec.ports', 'spec.rollingUpdate.maxSurge']);
  });
});
