import { describe, expect, test } from 'vitest';
import { proxyFor } from '../../src/net/proxy.ts';

const PROXY = { HTTPS_PROXY: 'http://proxy.example:3128' };
const choose = (url: string, environment: Record<string, string>): string | null => proxyFor(new URL(url), environment);

describe('the proxy for a URL', () => {
  test.each<[string, string, Record<string, string>, string | null]>([
    ['is the one for its scheme', 'https://a.example', PROXY, 'http://proxy.example:3128'],
    ['is none for another scheme', 'http://a.example', PROXY, null],
    ['may stand in lower case', 'http://a.example', { http_proxy: 'http://p:1' }, 'http://p:1'],
    ['may lack its scheme', 'https://a.example', { HTTPS_PROXY: 'p:1' }, 'http://p:1'],
    ['may be for everything', 'https://a.example', { ALL_PROXY: 'http://p:1' }, 'http://p:1'],
    ['is none for this machine', 'https://127.0.0.1:6443', PROXY, null],
    ['is none for this machine by name', 'https://localhost:6443', PROXY, null],
  ])('%s', (_name, url, environment, expected) => {
    expect(choose(url, environment)).toBe(expected);
  });

  test.each<[string, string, boolean]>([
    ['*', 'https://a.example', true],
    ['a.example', 'https://a.example', true],
    ['example', 'https://a.example', true],
    ['ample', 'https://a.example', false],
    ['.example', 'https://a.example', true],
    ['*.example', 'https://a.example', true],
    ['b.example, a.example', 'https://a.example', true],
    ['A.Example', 'https://a.example', true],
    ['a.example:8443', 'https://a.example:8443', true],
    ['a.example:8443', 'https://a.example', false],
    ['a.example:443', 'https://a.example', true],
    ['10.0.0.0/8', 'https://10.1.2.3:6443', true],
    ['10.0.0.0/8', 'https://11.1.2.3:6443', false],
    ['10.0.0.0/99', 'https://10.1.2.3', false],
    ['10.1.2.3', 'https://10.1.2.3', true],
    ['[fd00::1]', 'https://[fd00::1]:6443', true],
    ['fd00::/8', 'https://[fd00::1]:6443', true],
    ['', 'https://a.example', false],
  ])('NO_PROXY=%s and %s: exempt is %s', (noProxy, url, isExempt) => {
    expect(choose(url, { ...PROXY, NO_PROXY: noProxy }) === null).toBe(isExempt);
  });
});
