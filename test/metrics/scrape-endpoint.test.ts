import { describe, expect, test } from 'vitest';
import { endpointOf, hasEnded } from '../../src/metrics/scrape/endpoint.ts';
import { podNamed } from './pods.ts';

const PORT = { kind: 'port', port: '9102', path: '/metrics' } as const;
const AUTO = { kind: 'auto' } as const;

describe('where a pod is read', () => {
  test('is the port that the user named, in the container that has it', () => {
    expect(endpointOf(podNamed('s-1'), PORT)).toEqual({
      ok: true,
      value: {
        id: 'uid-s-1',
        namespace: 'shop',
        pod: 's-1',
        container: 'app',
        ip: '10.1.2.3',
        scheme: 'http',
        port: 9102,
        path: '/metrics',
      },
    });
  });

  test('may be a port that no container declares: then it is of the first one', () => {
    expect(endpointOf(podNamed('s-1'), { ...PORT, port: '15020' })).toMatchObject({
      value: { port: 15_020, container: 'proxy' },
    });
  });

  test('may be the name of a port, of a sidecar too', () => {
    const sidecar = { name: 'mesh', restartPolicy: 'Always', ports: [{ name: 'stats', containerPort: 15_090 }] };
    const setup = { name: 'setup', ports: [{ name: 'never', containerPort: 1 }] };
    const pod = podNamed('s-1', { spec: { containers: [{ name: 'app' }], initContainers: [setup, sidecar] } });

    expect(endpointOf(pod, { ...PORT, port: 'stats' })).toMatchObject({ value: { port: 15_090, container: 'mesh' } });
    expect(endpointOf(pod, { ...PORT, port: 'never' })).toEqual({
      ok: false,
      problem: 'Pod s-1 has no container port named "never"; its ports are stats.',
    });
  });

  test('says which ports there are when none has the name', () => {
    expect(endpointOf(podNamed('s-1'), { ...PORT, port: 'metric' })).toEqual({
      ok: false,
      problem: 'Pod s-1 has no container port named "metric"; its ports are http, metrics.',
    });
  });

  test('is what the usual annotations say', () => {
    const annotations = {
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '8443',
      'prometheus.io/path': '/stats/prometheus?usedonly',
      'prometheus.io/scheme': 'https',
    };

    expect(endpointOf(podNamed('s-1', { annotations }), AUTO)).toMatchObject({
      value: { port: 8443, path: '/stats/prometheus?usedonly', scheme: 'https' },
    });
  });

  test('is the only port of a pod that only says that it wants to be read', () => {
    const spec = { containers: [{ name: 'app', ports: [{ containerPort: 9000 }] }] };
    const annotations = { 'prometheus.io/scrape': 'true' };

    expect(endpointOf(podNamed('s-1', { annotations, spec }), AUTO)).toMatchObject({
      value: { port: 9000, path: '/metrics', scheme: 'http' },
    });
  });

  test('without annotations is a problem that says what was looked for', () => {
    expect(endpointOf(podNamed('s-1'), AUTO)).toEqual({
      ok: false,
      problem:
        'Pod s-1 does not say where its metrics are: looked for the annotations prometheus.io/port, prometheus.io/path and prometheus.io/scheme.',
    });
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ['does not want it', { scrape: 'false', port: '80' }, 'Pod s-1 says prometheus.io/scrape: "false".'],
    [
      'names a strange scheme',
      { port: '80', scheme: 'file' },
      'Pod s-1: "file" is no scheme; http and https are known.',
    ],
    ['has a port that is too high', { port: '70000' }, 'Pod s-1: 70000 is no port.'],
    ['has no port', { port: '0' }, 'Pod s-1: 0 is no port.'],
  ])('of a pod that %s is a problem', (_name, said, problem) => {
    const annotations = Object.fromEntries(
      Object.entries(said).map(([name, value]) => [`prometheus.io/${name}`, value]),
    );

    expect(endpointOf(podNamed('s-1', { annotations }), AUTO)).toEqual({ ok: false, problem });
  });

  test.each([
    '/../../secrets/token',
    '/metrics/..',
    '/%2e%2e/%2E%2e/secrets',
    '/.%2e/secrets',
    '/a/./b',
    '/a%2f..%2fb',
    '/a\\..\\b',
    'metrics',
    '//other.example/metrics#',
    '/a b',
    '/a\nb',
    `/${'x'.repeat(600)}`,
  ])('is never below %j, which could leave the pod', (path) => {
    const annotations = { 'prometheus.io/port': '80', 'prometheus.io/path': path };

    expect(endpointOf(podNamed('s-1', { annotations }), AUTO)).toMatchObject({
      ok: false,
      problem: expect.stringContaining('is no path to read metrics from'),
    });
  });

  test.each(['127.0.0.1', '0.0.0.0', '::1', '224.0.0.1', 'localhost', '', '10.0.0.1/24'])(
    'is not asked directly at %j, which is no address of a pod',
    (ip) => {
      expect(endpointOf(podNamed('s-1', { ip }), PORT)).toMatchObject({ ok: true, value: { ip: null } });
    },
  );

  test('is nowhere when its processes have ended', () => {
    const phases = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'];

    expect(phases.filter((phase) => hasEnded(podNamed('s-1', { phase })))).toEqual(['Succeeded', 'Failed']);
  });
});
