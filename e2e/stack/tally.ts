import { createLatencies, type Latencies } from './latencies.ts';

/** One answer; `code` is the HTTP status (for gRPC 200 for OK, 500 otherwise), 0 a connection error. Times are of `performance.now()`. */
export interface Answer {
  readonly version: string;
  readonly code: number;
  readonly sentAt: number;
  readonly endedAt: number;
}

const MOST_FAILURES = 5;

export interface VersionReport {
  readonly total: number;
  readonly non2xx: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface LoadReport {
  readonly sent: number;
  readonly notSent: number;
  /** How far behind its schedule the generator itself fell. */
  readonly maxLateMs: number;
  readonly ok: number;
  readonly non2xx: number;
  readonly connectionErrors: number;
  readonly errorCodes: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly versions: Readonly<Record<string, VersionReport>>;
  readonly statuses: Readonly<Record<string, number>>;
  /** The first few that failed. */
  readonly failures: readonly Answer[];
}

export interface Tally {
  answered(answer: Answer): void;
  failed(error: NodeJS.ErrnoException, sentAt: number): void;
  report(schedule: Pick<LoadReport, 'sent' | 'notSent' | 'maxLateMs' | 'seconds'>): LoadReport;
}

interface VersionTally {
  total: number;
  non2xx: number;
  readonly latencies: Latencies;
}

const add = (entry: VersionTally, { code, sentAt, endedAt }: Answer): void => {
  entry.total += 1;
  if (code < 200 || code > 299) entry.non2xx += 1;
  entry.latencies.add(endedAt - sentAt);
};

const reportOf = ({ total, non2xx, latencies }: VersionTally): VersionReport => ({
  total,
  non2xx,
  p50Ms: latencies.quantile(0.5),
  p99Ms: latencies.quantile(0.99),
});

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** Counts what came back. */
export const createTally = (onAnswer: (answer: Answer) => void): Tally => {
  const all = createLatencies();
  const versions = new Map<string, VersionTally>();
  const statuses: Record<string, number> = {};
  const errorCodes: Record<string, number> = {};
  const failures: Answer[] = [];
  const keep = (answer: Answer): void => {
    const isGood = answer.code >= 200 && answer.code <= 299;
    if (!isGood && failures.length < MOST_FAILURES) failures.push(answer);
  };
  return {
    answered: (answer) => {
      const entry = versions.get(answer.version) ?? { total: 0, non2xx: 0, latencies: createLatencies() };
      versions.set(answer.version, entry);
      add(entry, answer);
      all.add(answer.endedAt - answer.sentAt);
      statuses[answer.code] = (statuses[answer.code] ?? 0) + 1;
      keep(answer);
      onAnswer(answer);
    },
    failed: (error, sentAt) => {
      const code = error.code ?? error.message;
      errorCodes[code] = (errorCodes[code] ?? 0) + 1;
      const answer = { version: 'none', code: 0, sentAt, endedAt: performance.now() };
      keep(answer);
      onAnswer(answer);
    },
    report: ({ sent, notSent, maxLateMs, seconds }) => {
      const answers = [...versions.values()];
      const non2xx = sum(answers.map((entry) => entry.non2xx));
      return {
        sent,
        notSent,
        maxLateMs: Math.round(maxLateMs),
        ok: sum(answers.map((entry) => entry.total)) - non2xx,
        non2xx,
        connectionErrors: sum(Object.values(errorCodes)),
        errorCodes,
        seconds: Number(seconds.toFixed(2)),
        rps: Math.round(sent / seconds),
        p50Ms: all.quantile(0.5),
        p99Ms: all.quantile(0.99),
        versions: Object.fromEntries([...versions].map(([version, entry]) => [version, reportOf(entry)])),
        statuses,
        failures,
      };
    },
  };
};
