import type { PrometheusSpec } from '../core/spec.ts';
import { type Reading, scalarOf, soundOf } from './fields.ts';
import { isDnsLabel, isPort } from './names.ts';
import { linesOf, type Part, type Report, type ScalarTree, type Tree } from './tree.ts';
import { nearest, quote } from './words.ts';

type Address = PrometheusSpec['address'];
type Header = readonly [name: string, value: string];

const SERVICE = /^service:\/\/([^/]+)\/([^/:]+):([^/:]+)\/?$/;
// https://www.rfc-editor.org/rfc/rfc9110#name-tokens
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// These belong to the connection or to the client; a user's value would break or smuggle requests.
const OWN_HEADERS = ['host', 'connection', 'content-length', 'transfer-encoding', 'upgrade', 'te', 'trailer'];

const FORMS = 'write `https://…`, `http://…` or `service://NAMESPACE/NAME:PORT`';

const readService = (text: string, tree: ScalarTree, report: Report): Address | null => {
  const found = SERVICE.exec(text);
  const [, namespace = '', name = '', port = ''] = found ?? [];
  if (found !== null && isDnsLabel(namespace) && isDnsLabel(name) && isPort(port)) {
    return { kind: 'service', namespace, name, port };
  }
  const missing = /^service:\/\/[^/]+\/[^/:]+\/?$/.test(text) ? 'the port is missing; ' : '';
  report(
    tree.place,
    `${quote(text)}: ${missing}write \`service://NAMESPACE/NAME:PORT\`, such as \`service://monitoring/prometheus:9090\``,
  );
  return null;
};

export interface AddressRead {
  readonly address: Address;
  /** What a `user:password@` in the URL becomes: clients refuse URLs that carry it. */
  readonly authorization: Header | null;
}

const webUrl = (text: string): URL | null => {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && (url.protocol === 'http:' || url.protocol === 'https:') ? url : null;
};

/** `user:password@`, also in what is no URL: it might be one with a slip in it. */
export const holdsCredentials = (text: string): boolean => {
  const url = webUrl(text.trim());
  return url === null ? text.includes('@') : url.username !== '' || url.password !== '';
};

/** The base URL has no trailing slash. Credentials in it become a header, and are never shown. */
export const readAddress = (tree: ScalarTree, report: Report): AddressRead | null => {
  const text = tree.text.trim();
  if (text.toLowerCase().startsWith('service:')) {
    const address = readService(text, tree, report);
    return address === null ? null : { address, authorization: null };
  }
  const url = webUrl(text);
  if (url === null) {
    const scheme = /^([a-z]+):\/\//i.exec(text)?.[1];
    const best = scheme === undefined ? null : nearest(scheme, ['http', 'https', 'service']);
    const meant = best === null || best === scheme ? '' : `; did you mean \`${best}://\`?`;
    report(
      tree.place,
      `${holdsCredentials(text) || text.includes('?') ? 'this' : quote(text)} is not an address of Prometheus; ${FORMS}${meant}`,
    );
    return null;
  }
  if (url.search !== '' || url.hash !== '') {
    report(tree.place, 'the address of Prometheus has no `?` or `#`; paths are appended to it');
    return null;
  }
  return {
    address: { kind: 'url', url: `${url.origin}${url.pathname}`.replace(/\/+$/, '') },
    authorization: basic(url),
  };
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

const basic = (url: URL): Header | null => {
  if (url.username === '' && url.password === '') return null;
  const pair = `${decoded(url.username)}:${decoded(url.password)}`;
  return ['Authorization', `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`];
};

const CREDENTIAL_HEADER = /authorization|cookie|token|key|secret|password/i;
const LOOPBACK = /^http:\/\/(?:localhost|127\.|\[::1\])/i;

/** Whether somebody on the way could read credentials. A tenant's id is none. */
export const goesInClear = (url: string, headers: readonly Header[]): boolean =>
  url.startsWith('http:') && !LOOPBACK.test(url) && headers.some(([name]) => CREDENTIAL_HEADER.test(name));

/** `Name: value` lines. A line is never quoted in a message: it may hold a secret. */
export const readHeaders = (tree: Tree, report: Report): readonly Header[] | null => {
  const parts = linesOf(tree);
  const headers: Header[] = [];
  for (const [index, part] of parts.entries()) {
    const header = readHeader(part, index + 1, report);
    if (header === null) continue;
    const twice = headers.some(([name]) => name.toLowerCase() === header[0].toLowerCase());
    if (twice) report(part.place, `line ${index + 1}: header ${quote(header[0])} is given twice`);
    else headers.push(header);
  }
  return headers.length === parts.length ? headers : null;
};

const readHeader = (part: Part, line: number, report: Report): Header | null => {
  const colon = part.text.indexOf(':');
  const name = part.text.slice(0, Math.max(0, colon)).trim();
  const value = part.text.slice(colon + 1).trim();
  if (colon < 0 || !HEADER_NAME.test(name)) report(part.place, `line ${line} is not a header; write \`Name: value\``);
  else if (value === '') report(part.place, `line ${line}: header ${quote(name)} has no value; does the secret exist?`);
  else if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    report(part.place, `line ${line}: the value of header ${quote(name)} has a character that headers cannot have`);
  else if (OWN_HEADERS.includes(name.toLowerCase()))
    report(part.place, `line ${line}: header ${quote(name)} is set by the client`);
  else return [name, value];
  return null;
};

const CERTIFICATE = /-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** One or more certificates. Whether they are valid is for the client that uses them. */
export const readCertificates = (tree: ScalarTree, report: Report): string | null => {
  const text = tree.text.trim();
  if (text.includes('PRIVATE KEY')) {
    report(tree.place, 'there is a private key in it; only certificates belong here');
    return null;
  }
  const rest = text.replace(CERTIFICATE, '').replace(/^\s*#.*$/gm, '');
  if (text !== '' && text !== rest.trim() && !rest.includes('-----')) return `${text}\n`;
  report(tree.place, 'not PEM; `-----BEGIN CERTIFICATE-----`, base64 and `-----END CERTIFICATE-----` are expected');
  return null;
};

/** The source that is given, or null; every mistake is reported. */
export const prometheusOf = (reading: Reading): PrometheusSpec | null => {
  const { report } = reading;
  const given = reading.given('prometheus');
  const addressTree = scalarOf(reading, 'prometheus');
  const headersTree = soundOf(reading, 'prometheus-headers');
  const caTree = scalarOf(reading, 'prometheus-ca');
  const read = given === null || addressTree === null ? null : readAddress(addressTree, report);
  const headers = headersTree === null ? [] : (readHeaders(headersTree, report) ?? []);
  const ca = caTree === null ? null : readCertificates(caTree, report);
  if (read === null) {
    const lonely = [headersTree, caTree].filter((tree) => tree !== null);
    if (given === null && !reading.unread('prometheus'))
      for (const tree of lonely) report(tree.place, 'there is no `prometheus` that this would be for');
    return null;
  }
  const { address, authorization } = read;
  if (address.kind === 'service') {
    const useless = [headersTree, caTree].filter((tree) => tree !== null);
    for (const tree of useless)
      report(tree.place, 'not with `service://`: the API server makes that request, with its own headers and trust');
  }
  const twice = authorization !== null && headers.some(([name]) => name.toLowerCase() === 'authorization');
  if (twice && headersTree !== null)
    report(headersTree.place, 'the URL of `prometheus` and the headers both hold credentials; give one');
  const sent = authorization === null ? headers : [...headers, authorization];
  if (address.kind === 'url' && goesInClear(address.url, sent)) {
    reading.warn('credentials go to `prometheus` over plain `http://`, readable on the way');
  }
  return { address, headers: sent, ca };
};
