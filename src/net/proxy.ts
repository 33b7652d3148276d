import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for a URL, from HTTPS_PROXY or HTTP_PROXY (by the URL's scheme, either case), ALL_PROXY, and NO_PROXY; null:
 * none. Loopback addresses are never proxied, as in Go and curl's usual settings. May carry credentials: never show it.
 */
export const proxyFor = (url: URL, environment: Environment): string | null => {
  const variable = (name: string): string => environment[name.toLowerCase()] ?? environment[name] ?? '';
  const proxy = variable(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') || variable('ALL_PROXY');
  if (proxy === '' || isLoopback(url) || isExempt(url, variable('NO_PROXY'))) return null;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
};

const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').toLowerCase();

const isLoopback = (url: URL): boolean => {
  const host = hostOf(url);
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
};

const isExempt = (url: URL, noProxy: string): boolean => {
  const rules = noProxy.toLowerCase().split(/[\s,]+/);
  return rules.some((rule) => rule !== '' && matches(url, rule));
};

/** `*`, `example.com` (with its subdomains), `.example.com`, `*.example.com`, `10.0.0.0/8`, each with an optional port. */
const matches = (url: URL, rule: string): boolean => {
  if (rule === '*') return true;
  const host = hostOf(url);
  if (rule.includes('/')) return isInNetwork(host, rule);
  const withPort = /^(?<name>\[.+\]|[^:]+)(?::(?<port>\d+))?$/.exec(rule);
  const name = (withPort?.groups?.['name'] ?? rule).replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
  const port = withPort?.groups?.['port'];
  if (port !== undefined && port !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false;
  return host === name || host.endsWith(`.${name}`);
};

const isInNetwork = (host: string, rule: string): boolean => {
  const [address = '', bits = ''] = rule.split('/');
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const network = new BlockList();
  network.addSubnet(address, Number(bits), type);
  return network.check(host, type);
};
