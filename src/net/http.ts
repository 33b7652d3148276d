import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { LookupFunction } from 'node:net';
import { HttpProxyAgent, HttpsProxyAgent } from 'hpagent';
import fetch, { type Response } from 'node-fetch';
import pRetry from 'p-retry';
import { redactor } from '../core/redact.ts';
import { retryAfterMs } from '../core/retry-after.ts';
import type { Http, HttpAnswer, HttpOptions } from '../ports/http.ts';
import { proxyFor } from './proxy.ts';
import { guardedLookup, isRefusedHost, REFUSED, RefusedAddressError } from './refused-address.ts';

/** More than any answer that makes sense; a store that sends more is broken or hostile. */
const LARGEST_BODY_BYTES = 16 * 1024 * 1024;
const RETRIES = 2;

export interface HttpSettings {
  /** HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly userAgent?: string;
  /** The system's resolver when left out. */
  readonly lookup?: LookupFunction;
}

/**
 * GET of metric stores. Redirects are not followed: a 3xx is an answer without a body. Network errors and 5xx are tried
 * again twice within `timeoutMs`, which bounds the whole call. User and password in a URL become a Basic header.
 */
export const createHttp = (settings: HttpSettings): Http => {
  const agents = new Map<string, HttpAgent>();
  const agentFor = (url: URL, ca: string | null): HttpAgent => {
    const key = JSON.stringify([url.protocol, url.host, ca]);
    const agent = agents.get(key) ?? createAgent(url, ca, settings);
    agents.set(key, agent);
    return agent;
  };
  return { get: (url, options) => get(url, options, agentFor, settings.userAgent ?? 'canary-rollout') };
};

const createAgent = (url: URL, ca: string | null, settings: HttpSettings): HttpAgent => {
  const tls = ca === null ? {} : { ca };
  const proxy = proxyFor(url, settings.environment);
  if (proxy !== null) {
    if (!/^https?:/.test(proxy)) throw new Error(`a ${new URL(proxy).protocol}// proxy is not supported`);
    return url.protocol === 'https:'
      ? new HttpsProxyAgent({ proxy, keepAlive: true, ...tls })
      : new HttpProxyAgent({ proxy, keepAlive: true });
  }
  const lookup = guardedLookup(settings.lookup);
  return url.protocol === 'https:'
    ? new HttpsAgent({ keepAlive: true, lookup, ...tls })
    : new HttpAgent({ keepAlive: true, lookup });
};

type AgentFor = (url: URL, ca: string | null) => HttpAgent;

const get = async (
  address: string,
  options: HttpOptions,
  agentFor: AgentFor,
  userAgent: string,
): Promise<HttpAnswer> => {
  const target = parse(address);
  if (target === null) return { kind: 'unreachable', message: 'the address is not an http or https URL' };
  const { url, authorization, secrets } = target;
  const redact = redactor([...secrets, ...options.headers.map(([, value]) => value)]);
  const headers: [string, string][] = [
    ['user-agent', userAgent],
    ...options.headers.map(([n, v]): [string, string] => [n, v]),
  ];
  if (authorization !== null) headers.push(['authorization', authorization]);
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([options.signal, deadline]);
  try {
    if (isRefusedHost(url.hostname)) throw new RefusedAddressError(url.hostname);
    const agent = agentFor(url, options.ca);
    const size = options.largestBytes ?? LARGEST_BODY_BYTES;
    return await pRetry(() => attempt(url, headers, agent, size, signal), {
      retries: options.retries ?? RETRIES,
      minTimeout: 100,
      factor: 3,
      signal,
      shouldRetry: ({ error }) => isTransient(error),
    });
  } catch (error) {
    if (error instanceof ServerError) return error.answer;
    return { kind: 'unreachable', message: redact(`${url.origin}: ${reasonOf(error, options, deadline)}`) };
  }
};

const parse = (address: string): { url: URL; authorization: string | null; secrets: readonly string[] } | null => {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
  const user = decode(url.username);
  const password = decode(url.password);
  const secrets = [url.password, password];
  const authorization =
    user === '' && password === '' ? null : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  url.username = '';
  url.password = '';
  return { url, authorization, secrets: authorization === null ? [] : [...secrets, authorization] };
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** A 5xx, thrown so that it is tried again; the last one is the answer. */
class ServerError extends Error {
  readonly answer: HttpAnswer;
  constructor(answer: HttpAnswer) {
    super('server error');
    this.answer = answer;
  }
}

const attempt = async (
  url: URL,
  headers: [string, string][],
  agent: HttpAgent,
  size: number,
  signal: AbortSignal,
): Promise<HttpAnswer> => {
  const response = await fetch(url.href, { headers, agent, signal, redirect: 'manual', size });
  const answer: HttpAnswer = {
    kind: 'answer',
    status: response.status,
    body: await bodyOf(response),
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), Date.now()),
  };
  if (response.status >= 500) throw new ServerError(answer);
  return answer;
};

/** The body of a redirect is read, so that the connection can be used again, and dropped. */
const bodyOf = async (response: Response): Promise<string> => {
  const body = await response.text();
  return response.status >= 300 && response.status < 400 ? '' : body;
};

/** A 503 that says when to come back is left to the caller. */
const isTransient = (error: Error): boolean => {
  if (error instanceof ServerError) return error.answer.kind === 'answer' && error.answer.retryAfterMs === null;
  const { code, type } = detailsOf(error);
  return code !== REFUSED && type !== 'max-size' && !isCertificateProblem(code);
};

const detailsOf = (error: Error): { code: string; type: string } => ({
  code: 'code' in error && typeof error.code === 'string' ? error.code : '',
  type: 'type' in error && typeof error.type === 'string' ? error.type : '',
});

const isCertificateProblem = (code: string): boolean => /CERT|SIGNATURE|ERR_TLS/.test(code);

const reasonOf = (error: unknown, options: HttpOptions, deadline: AbortSignal): string => {
  if (options.signal.aborted) return 'the call was given up';
  if (deadline.aborted) return `no answer within ${options.timeoutMs / 1000} s`;
  if (!(error instanceof Error)) return 'the call failed';
  const { code, type } = detailsOf(error);
  if (type === 'max-size')
    return `the answer is larger than ${(options.largestBytes ?? LARGEST_BODY_BYTES) / 1024 / 1024} MiB`;
  if (isCertificateProblem(code)) return `its certificate is not trusted (${code})`;
  // node-fetch repeats the whole URL, query and all, before the reason.
  return error.message.replace(/^request to .* failed, reason: */s, '') || code || 'the connection failed';
};
