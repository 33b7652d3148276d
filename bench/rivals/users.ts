import { httpSender, untilServed } from '../../e2e/harness/traffic.ts';
import { startLoad } from '../../e2e/stack/load.ts';
import type { LoadReport } from '../../e2e/stack/tally.ts';
import { RPS } from './contender.ts';

/** What the users of one version saw. */
export interface Seen {
  readonly answers: number;
  readonly failed: number;
  /** From the first request that it answered to the last, in ms. */
  readonly exposedMs: number;
}

export interface Users {
  of(version: string): Seen;
  /** Requests so far that no pod answered: refused by the proxy, or broken off. */
  lost(): number;
  end(): Promise<LoadReport>;
}

interface Count {
  answers: number;
  failed: number;
  first: number;
  last: number;
}

const NOBODY = 'none';

/** Users of a host until `end`; resolves when they are served. */
export const startUsers = async (host: string, seed: string): Promise<Users> => {
  const sender = httpSender(host);
  await untilServed(sender);
  const counts = new Map<string, Count>();
  const load = startLoad({
    sender,
    rps: RPS,
    seconds: 24 * 3600,
    seed,
    onAnswer: ({ version, code, sentAt }) => {
      const count = counts.get(version) ?? { answers: 0, failed: 0, first: sentAt, last: sentAt };
      counts.set(version, count);
      count.answers += 1;
      if (code !== 200) count.failed += 1;
      count.first = Math.min(count.first, sentAt);
      count.last = Math.max(count.last, sentAt);
    },
  });
  return {
    of: (version) => {
      const { answers, failed, first, last } = counts.get(version) ?? { answers: 0, failed: 0, first: 0, last: 0 };
      return { answers, failed, exposedMs: last - first };
    },
    lost: () => counts.get(NOBODY)?.failed ?? 0,
    end: () => {
      load.stop();
      return load.report;
    },
  };
};
