import type { Ms } from '../../core/units.ts';
import type { CallProblem, Cluster } from '../../ports/cluster.ts';
import type { Http } from '../../ports/http.ts';
import { type Exposed, parseExposition } from '../exposition.ts';
import type { Endpoint } from './endpoint.ts';

export const LARGEST_BODY_BYTES = 2 * 1024 * 1024;
/** Together a little more than a tick: nobody waits longer for a pod that does not answer. */
const TIMEOUT_MS = { direct: 500, proxied: 900 } as const;
/** Of the first read of all, which may have to connect and decides about the way. */
const FIRST_TIMEOUT_MS = { direct: 300, proxied: 5_000 } as const;
const LONGEST_MESSAGE = 300;
const ACCEPT = 'text/plain;version=0.0.4;q=1,*/*;q=0.1';

export type PodAnswer =
  | { readonly kind: 'answer'; readonly bytes: number; readonly series: readonly Exposed[] }
  | { readonly kind: 'problem'; readonly bytes: number; readonly problem: PodProblem };

export interface PodProblem {
  readonly kind: 'forbidden' | 'unreachable' | 'unreadable';
  /** A clause without the pod's name and without what it sent. */
  readonly message: string;
  readonly retryAfterMs: Ms | null;
}

export type Way = 'direct' | 'proxied';

export interface PodReader {
  /** Never rejects. */
  read(endpoint: Endpoint, signal: AbortSignal): Promise<PodAnswer>;
  /** null: no pod has answered yet. */
  way(): Way | null;
}

export interface PodReaderOptions {
  readonly http: Http;
  readonly cluster: Pick<Cluster, 'podProxy'>;
}

/**
 * Reads a pod at its own address where that works, else through the API server. Which way works is found at the first pod
 * that answers. An address that answers need not be the pod's (networks overlap): where both ways answer they must agree.
 */
export const createPodReader = ({ http, cluster }: PodReaderOptions): PodReader => {
  let way: Way | null = null;
  const both = async (endpoint: Endpoint, signal: AbortSignal): Promise<PodAnswer> => {
    const [near, far] = await Promise.all([
      askDirectly(http, endpoint, FIRST_TIMEOUT_MS.direct, signal),
      askProxied(cluster, endpoint, FIRST_TIMEOUT_MS.proxied, signal),
    ]);
    const isNear =
      near.kind === 'answer' && near.series.length > 0 && (far.kind !== 'answer' || areOfOnePod(near, far));
    if (isNear || far.kind === 'answer') way ??= isNear ? 'direct' : 'proxied';
    return isNear ? near : far;
  };
  return {
    way: () => way,
    read: async (endpoint, signal) => {
      if (way === null) return both(endpoint, signal);
      const near = way === 'direct' ? await askDirectly(http, endpoint, TIMEOUT_MS.direct, signal) : null;
      // What is too large at one place is so at the other.
      if (near?.kind === 'answer' || near?.bytes === LARGEST_BODY_BYTES) return near;
      return askProxied(cluster, endpoint, TIMEOUT_MS.proxied, signal);
    },
  };
};

type Answer = PodAnswer & { readonly kind: 'answer' };

/** By when the process started, where both say it, and by the metrics they have. */
const areOfOnePod = (one: Answer, other: Answer): boolean => {
  const started = (answer: Answer): number | undefined =>
    answer.series.find(({ name }) => name === 'process_start_time_seconds')?.value;
  const names = (answer: Answer): ReadonlySet<string> => new Set(answer.series.map(({ name }) => name));
  const [mine, theirs] = [names(one), names(other)];
  const both = [...mine].filter((name) => theirs.has(name)).length;
  return started(one) === started(other) && both * 2 > Math.max(mine.size, theirs.size);
};

const askDirectly = async (
  http: Http,
  { ip, scheme, port, path }: Endpoint,
  timeoutMs: Ms,
  signal: AbortSignal,
): Promise<PodAnswer> => {
  if (ip === null) return trouble('unreachable', 'it has no address yet');
  const host = ip.includes(':') ? `[${ip}]` : ip;
  const answer = await http.get(`${scheme}://${host}:${port}${path}`, {
    headers: [['accept', ACCEPT]],
    ca: null,
    timeoutMs,
    signal,
    largestBytes: LARGEST_BODY_BYTES,
    retries: 0,
  });
  if (answer.kind === 'unreachable') return trouble('unreachable', answer.message);
  return read(answer.status, answer.body);
};

const askProxied = async (
  cluster: PodReaderOptions['cluster'],
  { namespace, pod: name, scheme, port, path }: Endpoint,
  timeoutMs: Ms,
  signal: AbortSignal,
): Promise<PodAnswer> => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const answer = await cluster.podProxy({ namespace, name, port, scheme }, path, deadline);
  return answer.kind === 'ok' ? read(answer.value.status, answer.value.body) : refused(answer);
};

const refused = (answer: CallProblem): PodAnswer =>
  answer.kind === 'forbidden' || answer.kind === 'unauthorised'
    ? trouble('forbidden', answer.message)
    : trouble('unreachable', answer.message, answer.kind === 'throttled' ? answer.retryAfterMs : null);

const read = (status: number, body: string): PodAnswer => {
  const bytes = Buffer.byteLength(body);
  if (status !== 200) {
    const words = status >= 300 && status < 400 ? ': redirects are not followed' : '';
    return { ...trouble('unreachable', `it answered ${status}${words}`), bytes };
  }
  const parsed = parseExposition(body);
  return parsed.ok
    ? { kind: 'answer', bytes, series: parsed.value }
    : { ...trouble('unreadable', `its answer is no metrics: ${parsed.problem}`), bytes };
};

const trouble = (kind: PodProblem['kind'], message: string, retryAfterMs: Ms | null = null): PodAnswer => ({
  kind: 'problem',
  // What was thrown away was sent all the same.
  bytes: /is larger than \d+ MiB/.test(message) ? LARGEST_BODY_BYTES : 0,
  problem: { kind, message: message.replace(/\s+/g, ' ').slice(0, LONGEST_MESSAGE), retryAfterMs },
});
