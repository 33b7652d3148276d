import type { RouterScrapeSpec, ScrapeSpec } from '../core/spec.ts';
import { ok, problem, type Result } from '../core/units.ts';
import { isDnsLabel, isPort } from './names.ts';
import { nearest, quote } from './words.ts';

export const OFF = 'off';
const AUTO = 'auto';
const PATH_DEFAULT = '/metrics';
const LONGEST_PATH = 250;
const FORM = '`:PORT/PATH`, such as `:9102/metrics` or `:http-metrics/metrics`';
const ROUTER_FORM = '`service://NAMESPACE/NAME:PORT/PATH`, such as `service://traefik/traefik:9100/metrics`';

/** `:9102/metrics`, `:http-metrics`, `auto`; null is `off`. The problem is a sentence. */
export const parseScrape = (text: string): Result<ScrapeSpec | null, string> => {
  if (text === OFF) return ok(null);
  if (text === AUTO) return ok({ kind: 'auto' });
  const [, port, given = PATH_DEFAULT] = /^:([^/?#]*)([/?#].*)?$/s.exec(text) ?? [];
  if (port === undefined) return problem(portlessProblem(text));
  const wrong = portProblem(port) ?? pathProblem(given);
  return wrong === null ? ok({ kind: 'port', port, path: given }) : problem(`${quote(text)}: ${wrong}; write ${FORM}`);
};

const portlessProblem = (text: string): string => {
  const meant = (form: string): string => `did you mean ${quote(form)}?`;
  if (/^\d+(?:\/.*)?$/s.test(text)) return `${quote(text)} has no \`:\` before the port; ${meant(`:${text}`)}`;
  const [, address] = /^(?:[a-z]+:\/\/)?[^/:]*(:\d+(?:\/.*)?)$/is.exec(text) ?? [];
  if (address !== undefined) return `${quote(text)}: each pod is read at its own address; ${meant(address)}`;
  const best = nearest(text, [AUTO, OFF]);
  if (best !== null) return `unknown value ${quote(text)}; ${meant(best)}`;
  const why = text.startsWith('/') ? ': the port is missing' : ' is not where pods have their metrics';
  return `${quote(text)}${why}; write ${FORM}, \`${AUTO}\` or \`${OFF}\``;
};

/** `service://traefik/traefik:9100/metrics`; null is `off`. The problem is a sentence. */
export const parseRouterScrape = (text: string): Result<RouterScrapeSpec | null, string> => {
  if (text === OFF) return ok(null);
  const [, namespace, service, port, given = PATH_DEFAULT] =
    /^service:\/\/([^/:?#]*)\/([^/:?#]*)(?::([^/?#]*))?([/?#].*)?$/s.exec(text) ?? [];
  if (namespace === undefined || service === undefined) {
    return problem(
      nearest(text, [OFF]) === null
        ? `${quote(text)} is not where a router has its metrics; write ${ROUTER_FORM}, or \`${OFF}\``
        : `unknown value ${quote(text)}; did you mean \`${OFF}\`?`,
    );
  }
  const wrong = nameProblem(namespace, service) ?? portProblem(port ?? '') ?? pathProblem(given);
  return wrong === null
    ? ok({ namespace, service, port: port ?? '', path: given })
    : problem(`${quote(text)}: ${wrong}; write ${ROUTER_FORM}`);
};

const nameProblem = (namespace: string, service: string): string | null => {
  if (!isDnsLabel(namespace)) return `${quote(namespace)} is not the name of a namespace`;
  return isDnsLabel(service) ? null : `${quote(service)} is not the name of a Service`;
};

const portProblem = (port: string): string | null => {
  if (port === '') return 'the port is missing';
  return isPort(port) ? null : `${quote(port)} is neither a port from 1 to 65535 nor the name of one`;
};

/** It is appended to the path of the API server's proxy: nothing in it may lead out of the pod. */
const pathProblem = (path: string): string | null => {
  if (/[?#]/.test(path)) return 'the path has no `?` or `#`';
  if (path.length > LONGEST_PATH) return `the path is longer than ${LONGEST_PATH} characters`;
  if (!/^[A-Za-z0-9._~!$&'()*+,;=:@/-]+$/.test(path))
    return "the path may have letters, digits, `/` and `-._~!$&'()*+,;=:@` only";
  const segments = path.slice(1).split('/');
  if (segments.some((segment) => segment === '.' || segment === '..')) return 'the path has no `.` or `..` between `/`';
  return segments.slice(0, -1).includes('') ? 'the path has no `//`' : null;
};
