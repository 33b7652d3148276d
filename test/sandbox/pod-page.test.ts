import { afterEach, describe, expect, test } from 'vitest';
import type { Sandbox } from '../../sandbox/index.ts';
import { startSandbox } from '../../sandbox/index.ts';
import { shopObjects } from '../../sandbox/shop.ts';

const held: Sandbox[] = [];
afterEach(async () => {
  for (const sandbox of held.splice(0)) await sandbox.stop();
});

const start = async () => {
  const sandbox = await startSandbox();
  held.push(sandbox);
  const { cluster } = sandbox;
  cluster.apply(shopObjects({ replicas: 1 }));
  await sandbox.ready('shop', 'checkout');
  const [pod] = cluster.list('v1', 'Pod', 'shop');
  const name = pod?.metadata.name ?? '';
  const get = async (path: string, token = cluster.adminToken) => {
    const url = `${cluster.url}/api/v1/namespaces/shop/pods/${path}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    return { code: response.status, text: await response.text() };
  };
  return { sandbox, name, get };
};

describe('a pod behind the API server', () => {
  test('tells what it counted, with the labels that it knows itself', async () => {
    const { sandbox, name, get } = await start();
    sandbox.traffic.start({ rps: 500, target: 'service/checkout' });
    await sandbox.until('requests', () => sandbox.traffic.records.filter(({ pod }) => pod === name).length >= 50);
    sandbox.traffic.stop();

    const { code, text } = await get(`${name}:9102/proxy/metrics`);

    expect(code).toBe(200);
    const count = sandbox.traffic.records.filter(({ pod }) => pod === name).length;
    const labels = 'version="1.4.1",code="200",status="200"';
    expect(text).toContain(`# TYPE http_requests_total counter\nhttp_requests_total{${labels}} ${count}\n`);
    expect(text).toContain(`http_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}\n`);
    expect(text).toMatch(/^process_start_time_seconds \d{10}$/m);
    expect(text).not.toContain('pod=');
  });

  test('answers where an address without a port leads: at its first one', async () => {
    const { name, get } = await start();

    expect((await get(`${name}/proxy/metrics`)).code).toBe(200);
    expect((await get(`http:${name}:8080/proxy/metrics?x=1`)).code).toBe(200);
    expect((await get(`${name}:8080/proxy/other`)).code).toBe(404);
  });

  test.each([
    ['where nobody listens', '9999', 503, 'connection refused'],
    ['by the name of a port', 'http', 503, 'error trying to reach service'],
  ])('does not answer %s', async (_name, port, code, words) => {
    const { name, get } = await start();

    const answer = await get(`${name}:${port}/proxy/metrics`);

    expect(answer).toMatchObject({ code, text: expect.stringContaining(words) });
  });

  test('is not there under another name', async () => {
    const { get } = await start();

    expect((await get('nobody:9102/proxy/metrics')).code).toBe(404);
  });

  test('is not reached without the right to', async () => {
    const { sandbox, name, get } = await start();
    const token = sandbox.cluster.token('reader', [
      { namespaces: ['shop'], apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
    ]);

    expect(await get(`${name}:9102/proxy/metrics`, token)).toMatchObject({
      code: 403,
      text: expect.stringContaining('pods/proxy'),
    });
  });

  test('counts from nought when it was started again, as its status says', async () => {
    const { sandbox, name, get } = await start();
    sandbox.traffic.start({ rps: 500, target: 'service/checkout' });
    await sandbox.until('requests', () => sandbox.traffic.records.some(({ pod }) => pod === name));
    sandbox.traffic.stop();

    sandbox.restart('shop', name);

    expect((await get(`${name}:9102/proxy/metrics`)).text).not.toContain('http_requests_total{');
    expect(sandbox.cluster.get('v1', 'Pod', 'shop', name)?.status).toMatchObject({
      containerStatuses: [{ restartCount: 1, ready: true, state: { running: { startedAt: expect.any(String) } } }],
      conditions: expect.arrayContaining([expect.objectContaining({ type: 'Ready', status: 'True' })]),
    });
    expect(() => sandbox.restart('shop', 'nobody')).toThrow('there is no pod shop/nobody');
  });

  test('says what a test has it say', async () => {
    const { sandbox, name, get } = await start();
    sandbox.cluster.podPages.unshift((_pod, port, path) => (port === 1234 ? `asked for ${path}` : null));

    expect(await get(`${name}:1234/proxy/stats/prometheus`)).toEqual({
      code: 200,
      text: 'asked for /stats/prometheus',
    });
  });
});
