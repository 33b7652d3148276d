import type { KubeObject } from '../../core/objects.ts';
import type { ScrapeSpec } from '../../core/spec.ts';
import type { Ms } from '../../core/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { CallProblem, CallResult } from '../../ports/cluster.ts';
import type { Exposed } from '../exposition.ts';
import type { Budget } from './budget.ts';
import { type Endpoint, endpointOf, hasEnded } from './endpoint.ts';
import type { PodProblem, PodReader } from './read-pod.ts';

export const PODS_PER_ROUND = 10;
/** Rounds closer together share one: a little less than a second, for timers that come early. */
const ROUND_MS = 900;
const LIST_MS = 5_000;
/** A new list is not waited for longer, where there is an old one. */
const RELIST_MS = 1_000;
/** Of a pod that was not read yet. */
const USUAL_BYTES = 64 * 1024;

/** What a pod showed at one moment, by our clock. */
export interface Reading {
  readonly endpoint: Endpoint;
  readonly at: Ms;
  readonly bytes: number;
  readonly series: readonly Exposed[];
}

export type Round =
  | { readonly kind: 'unlisted'; readonly problem: CallProblem }
  | {
      readonly kind: 'read';
      readonly readings: readonly Reading[];
      /** Pods that were asked and did not answer. */
      readonly silent: readonly { readonly pod: string; readonly problem: PodProblem }[];
      /** Sentences about pods of which it is not known where to ask. */
      readonly unknown: readonly string[];
      /** Pods that could be read. */
      readonly pods: number;
      /** Left to a later round, for what others sent. */
      readonly postponed: number;
    };

export interface Rounds {
  /** Reads the pods whose turn it is, at most one round a second. Never rejects. */
  next(signal: AbortSignal): Promise<Round>;
}

export interface RoundsOptions {
  /** At most once in five seconds. */
  readonly list: (signal: AbortSignal) => Promise<CallResult<readonly KubeObject[]>>;
  readonly spec: ScrapeSpec;
  readonly reader: PodReader;
  readonly budget: Budget;
  readonly clock: Pick<Clock, 'now'>;
}

interface Turn {
  /** Rises with each pod that has its turn; 0: it had none. */
  readonly number: number;
  readonly readAt: Ms;
  readonly bytes: number;
}

const NEW: Turn = { number: 0, readAt: 0, bytes: USUAL_BYTES };

export const createRounds = (options: RoundsOptions): Rounds => {
  const turns = new Map<string, Turn>();
  const pods = listedSeldom(options);
  let startedAt: Ms | null = null;
  let current: Promise<Round> | null = null;
  let isRunning = false;
  const run = async (signal: AbortSignal): Promise<Round> => {
    const listed = await pods(signal);
    if (listed.kind !== 'ok') return { kind: 'unlisted', problem: listed };
    const targets = listed.value.filter((pod) => !hasEnded(pod)).map((pod) => endpointOf(pod, options.spec));
    const endpoints = targets.flatMap((target) => (target.ok ? [target.value] : []));
    forgetOthers(turns, endpoints);
    const unknown = targets.flatMap((target) => (target.ok ? [] : [target.problem]));
    return { kind: 'read', ...(await readSome(options, turns, endpoints, signal)), unknown, pods: endpoints.length };
  };
  return {
    next: (signal) => {
      const now = options.clock.now();
      const isDue = startedAt === null || now - startedAt >= ROUND_MS || now < startedAt;
      // Two rounds at once could tell a pod's counters in the wrong order.
      if (current === null || (isDue && !isRunning)) {
        startedAt = now;
        isRunning = true;
        current = run(signal).finally(() => {
          isRunning = false;
        });
      }
      return current;
    },
  };
};

/** An old list is better than none: pods that are gone do not answer. */
const listedSeldom = ({ list, clock }: RoundsOptions): RoundsOptions['list'] => {
  let askedAt: Ms | null = null;
  let known: CallResult<readonly KubeObject[]> | null = null;
  return async (signal) => {
    const now = clock.now();
    if (known === null || askedAt === null || now - askedAt >= LIST_MS || now < askedAt) {
      askedAt = now;
      const listed = await list(AbortSignal.any([signal, AbortSignal.timeout(known === null ? LIST_MS : RELIST_MS)]));
      if (listed.kind === 'ok' || known?.kind !== 'ok') known = listed;
    }
    return known;
  };
};

const forgetOthers = (turns: Map<string, Turn>, endpoints: readonly Endpoint[]): void => {
  const ids = new Set(endpoints.map(({ id }) => id));
  for (const id of turns.keys()) if (!ids.has(id)) turns.delete(id);
};

/** Those that have waited longest, as many as a round and the budget allow. */
const readSome = async (
  { reader, budget, clock }: RoundsOptions,
  turns: Map<string, Turn>,
  endpoints: readonly Endpoint[],
  signal: AbortSignal,
): Promise<Pick<Round & { kind: 'read' }, 'readings' | 'silent' | 'postponed'>> => {
  const turnOf = ({ id }: Endpoint): Turn => turns.get(id) ?? NEW;
  const waiting = endpoints.toSorted((a, b) => turnOf(a).number - turnOf(b).number).slice(0, PODS_PER_ROUND);
  const chosen = waiting.filter((endpoint) => budget.take(turnOf(endpoint).bytes));
  const readOne = async (
    endpoint: Endpoint,
  ): Promise<Reading | { readonly pod: string; readonly problem: PodProblem }> => {
    const before = turnOf(endpoint);
    const number = Math.max(0, ...[...turns.values()].map((turn) => turn.number)) + 1;
    turns.set(endpoint.id, { ...before, number });
    const answer = await reader.read(endpoint, signal);
    budget.settle(before.bytes, answer.bytes);
    if (answer.bytes > 0) turns.set(endpoint.id, { ...before, number, bytes: answer.bytes });
    if (answer.kind === 'problem') return { pod: endpoint.pod, problem: answer.problem };
    // Two readings of a pod must not have one time, whatever the clock does.
    const at = Math.max(clock.now(), before.readAt + 1);
    turns.set(endpoint.id, { number, readAt: at, bytes: answer.bytes });
    return { endpoint, at, bytes: answer.bytes, series: answer.series };
  };
  // The way to pods is found with one of them: asking all of them both ways would be twice the load.
  const alone = reader.way() === null ? chosen.slice(0, 1) : [];
  const answers = await Promise.all(alone.map(readOne));
  answers.push(...(await Promise.all(chosen.slice(alone.length).map(readOne))));
  return {
    readings: answers.filter((answer) => 'series' in answer),
    silent: answers.filter((answer) => 'problem' in answer),
    postponed: waiting.length - chosen.length,
  };
};
