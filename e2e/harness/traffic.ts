import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../stack/load.ts';
import { createGrpcSender, createHttpSender, type Sender } from '../stack/senders.ts';
import { GATEWAY_URL } from '../stack/settings.ts';
import type { LoadReport } from '../stack/tally.ts';

export interface Answered {
  readonly version: string;
  /** 0: a connection error. */
  readonly code: number;
  /** Epoch ms. */
  readonly sentAt: number;
  readonly endedAt: number;
}

export interface Traffic {
  /** Everything so far, in order of the answers. */
  readonly answers: readonly Answered[];
  /** Ends the load. */
  end(): Promise<LoadReport>;
}

export interface TrafficShape {
  readonly sender: Sender;
  readonly rps: number;
  readonly seed: string;
}

export const httpSender = (host: string, path = '/'): Sender =>
  createHttpSender({ url: GATEWAY_URL, host, path, method: 'POST' }); // A proxy would repeat a GET and hide a loss.

export const grpcSender = (host: string): Sender => createGrpcSender({ url: GATEWAY_URL, host });

/** Resolves when twenty requests in a row were answered well: a route is accepted a moment before its endpoints are known. */
export const untilServed = async (sender: Sender): Promise<void> => {
  const deadline = Date.now() + 30_000;
  for (let inRow = 0; inRow < 20; ) {
    const code = await sender.send().then(
      (reply) => (reply.version === 'none' ? 0 : reply.code),
      () => 0,
    );
    inRow = code === 200 ? inRow + 1 : 0;
    if (Date.now() > deadline) throw new Error('the shop does not answer its users');
    await sleep(code === 200 ? 5 : 100);
  }
};

/** Users, from now until `end`. */
export const startTraffic = ({ sender, rps, seed }: TrafficShape): Traffic => {
  const answers: Answered[] = [];
  const load = startLoad({
    sender,
    rps,
    seconds: 3600,
    seed,
    onAnswer: ({ version, code, sentAt, endedAt }) =>
      answers.push({
        version,
        code,
        sentAt: performance.timeOrigin + sentAt,
        endedAt: performance.timeOrigin + endedAt,
      }),
  });
  return {
    answers,
    end: () => {
      load.stop();
      return load.report;
    },
  };
};

/** Requests that a user sent and got no good answer to, whoever's fault it was. */
export const lost = (report: LoadReport): number => report.non2xx + report.connectionErrors + report.notSent;

const timeOf = (ms: number): string => new Date(performance.timeOrigin + ms).toISOString();

const failuresText = ({ failures }: LoadReport): string =>
  failures
    .map(({ version, code, sentAt, endedAt }) => ` | ${code} of ${version}, ${timeOf(sentAt)} to ${timeOf(endedAt)}`)
    .join('');

export const lostText = (report: LoadReport): string =>
  `${lost(report)} of ${report.sent} ${JSON.stringify({ ...report.statuses, ...report.errorCodes })}, p99 ${report.p99Ms} ms, generator late by ≤ ${report.maxLateMs} ms${failuresText(report)}`;

/** The answers to requests sent since a moment that were no good, but for those of a version that is meant to fail. */
export const lostSince = (answers: readonly Answered[], from: number, except: string): readonly Answered[] =>
  answers.filter(({ sentAt, code, version }) => sentAt >= from && version !== except && (code < 200 || code > 299));

export interface Share {
  readonly requests: number;
  /** 0 to 1; NaN without requests. */
  readonly share: number;
}

/** The share of a version among the requests sent in a span, epoch ms. */
export const shareOf = (answers: readonly Answered[], version: string, from: number, to: number): Share => {
  const inside = answers.filter(({ sentAt }) => sentAt >= from && sentAt < to);
  const hits = inside.filter((answer) => answer.version === version).length;
  return { requests: inside.length, share: hits / inside.length };
};

/** Whether an observed share fits: within the larger of 3 points and 4 standard errors. */
export const fits = ({ requests, share }: Share, expected: number): boolean => {
  const standardError = Math.sqrt((expected * (1 - expected)) / requests);
  return requests > 0 && Math.abs(share - expected) <= Math.max(0.03, 4 * standardError);
};

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
