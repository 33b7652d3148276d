import { describe, expect, test } from 'vitest';
import { pullRequestEvent } from '../../sandbox/github/events.ts';
import type { Release } from './shop.ts';
import { BAD, HEAD, inShop, outsideFences } from './shop.ts';

const NAME = 'a|b `c` <img src=x onerror=alert(1)> ::error::d ##[error]e @everyone';
const selector = 'http_requests_total{pod=~"{{pods}}"';

/** Nothing in it is markup, structure or a command, wherever a person or a machine reads it. */
const expectHarmless = (release: Release, texts: readonly string[]): void => {
  for (const text of texts) {
    const rendered = outsideFences(text).replace(/<code>.*?<\/code>|`[^`\n]*`/g, '');
    expect(rendered).not.toMatch(/<img|@everyone/);
    const rows = rendered.split('\n').filter((line) => line.startsWith('| '));
    const cells = rows.map((row) => row.split('|').length);
    expect(new Set(cells).size).toBeLessThanOrEqual(2);
  }
  expect(release.stdout.split('\n').filter((line) => /^\s*(::error::d|##\[error\]e)/.test(line))).toEqual([]);
  expect(release.annotations.filter(({ message }) => /^d\b|^e\b/.test(message))).toEqual([]);
};

describe.concurrent('text that others wrote', () => {
  test(
    'as the name of a metric is only a name in log, summary and comment',
    inShop({ rps: 200, github: { pulls: [{ number: 7, headSha: HEAD }] } }, async (shop) => {
      const metrics = `- name: ${JSON.stringify(NAME)}\n  requests: ${selector}}\n  failures: ${selector},code=~"5.."}\n`;
      const release = await shop.release(
        { image: BAD, metrics, comment: 'auto', 'commit-status': 'auto' },
        { event: pullRequestEvent({ number: 7, headSha: HEAD }) },
      );

      expect(release.outputs).toMatchObject({ status: 'rolled-back', 'failed-metric': NAME });
      expectHarmless(release, [release.summary, shop.github.comments[0]?.body ?? '']);
    }),
  );

  test(
    'as a label that the metrics store gives is only text in a refusal',
    inShop({ rps: 100 }, async (shop) => {
      const label = '::error::d\n##[error]e | <img src=x onerror=alert(1)> ``` @everyone';
      shop.prometheus.set({ __name__: 'strange', label }, 1);
      await shop.until('a scrape', () => [...shop.prometheus.samples.keys()].some((key) => key.includes('strange')));
      const metrics = `- name: strange\n  query: strange{pod=~"{{pods}}"}\n  max: 1\n`;
      const release = await shop.release({ metrics });

      expect(release.outputs).toMatchObject({ status: 'rejected', 'reason-code': 'metric-not-found' });
      expectHarmless(release, [release.summary]);
    }),
  );

  test(
    'as a message of the cluster is only text',
    inShop({}, async (shop) => {
      shop.cluster.faults.push({
        matches: ({ verb, resource }) => verb === 'list' && resource === 'pods',
        answer: { kind: 'status', code: 500, reason: 'InternalError', message: `::error::d\n${NAME}` },
      });
      const release = await shop.release();

      expect(release.outputs['status']).toBe('rejected');
      expectHarmless(release, [release.summary]);
    }),
  );

  test(
    'as an image is refused or only text',
    inShop({}, async (shop) => {
      const release = await shop.release({ image: 'registry.example/a|b`c`:<img src=x onerror=alert(1)>\n::error::d' });

      expect(release.outputs).toMatchObject({ status: 'rejected', 'reason-code': 'invalid-config' });
      expectHarmless(release, [release.summary]);
    }),
  );
});

describe.concurrent('secrets', () => {
  test(
    'are masked first and appear nowhere, whatever goes wrong',
    inShop({}, async (shop) => {
      const token = shop.cluster.token('deployer', []);
      const release = await shop.release({
        kubeconfig: shop.cluster.kubeconfig(token),
        'prometheus-headers': 'Authorization: Bearer header-secret-1\nX-Key: header-secret-2',
        prometheus: 'http://127.0.0.1:9/',
        'github-token': 'ghs_github-secret',
        metrics: '- name: load\n  query: sum(up{pod=~"{{pods}}"})\n  max: 1\n',
      });

      expect(release.outputs['reason-code']).toBe('forbidden');
      for (const secret of [token, 'header-secret-1', 'header-secret-2', 'ghs_github-secret']) {
        expect(release.masks).toContain(secret);
        expect(release.everything).not.toContain(secret);
      }
      const lines = release.stdout.split('\n');
      const firstText = lines.findIndex((line) => !line.startsWith('::add-mask::'));
      expect(lines.slice(firstText).filter((line) => line.startsWith('::add-mask::'))).toEqual([]);
    }),
  );

  test(
    'in the address of the metrics store are not shown when it cannot be reached',
    inShop({}, async (shop) => {
      const release = await shop.release({
        prometheus: 'http://reader:address-secret@127.0.0.1:9/',
        metrics: '- name: load\n  query: sum(up{pod=~"{{pods}}"})\n  max: 1\n',
      });

      expect(release.outputs['reason-code']).toBe('metrics-unreachable');
      expect(release.everything).not.toContain('address-secret');
    }),
  );

  test(
    'of a kubeconfig that the cluster does not accept are not shown',
    inShop({}, async (shop) => {
      const release = await shop.release({ kubeconfig: shop.cluster.kubeconfig('refused-token-0123456789') });

      expect(release.outputs['status']).toBe('rejected');
      expect(release.masks).toContain('refused-token-0123456789');
      expect(release.everything).not.toContain('refused-token-0123456789');
    }),
  );
});

describe.concurrent('an event from a fork', () => {
  test(
    'is rejected before cluster or metrics store are asked anything',
    inShop({}, async (shop) => {
      const event = pullRequestEvent({ number: 7, headSha: HEAD, headRepository: 'mallory/checkout' });
      const release = await shop.release({}, { event });

      expect(release.outputs).toMatchObject({ status: 'rejected', 'reason-code': 'untrusted-event' });
      expect(release.code).toBe(1);
      expect(shop.cluster.calls).toEqual([]);
      expect(shop.prometheus.requests).toEqual([]);
    }),
  );

  test(
    'that only comments on a pull request is rejected where GitHub does not say whose it is',
    inShop({}, async (shop) => {
      const payload = {
        action: 'created',
        comment: { body: '/canary' },
        issue: { number: 9, pull_request: {} },
        repository: { full_name: 'acme/checkout' },
      };
      const release = await shop.release({}, { event: { name: 'issue_comment', payload } });

      expect(release.outputs).toMatchObject({ status: 'rejected', 'reason-code': 'untrusted-event' });
      expect(shop.cluster.calls).toEqual([]);
    }),
  );
});
