// An open-loop load generator: requests are sent on schedule whether or not earlier ones were answered, so that a slow
// server cannot hide behind a patient client.
//
//   node load.ts --host NAME [--url URL] [--grpc] [--method GET] [--rps 100] [--seconds 10] [--seed WORD]
//
// Prints one JSON report. A request that could not be sent because of the in-flight limit is counted as `notSent`: a
// report with any is not a measurement of the rate asked for.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { randomOf } from './random.ts';
import { createGrpcSender, createHttpSender, type Sender } from './senders.ts';
import { GATEWAY_URL } from './settings.ts';
import { type Answer, createTally, type LoadReport, type Tally } from './tally.ts';

export interface LoadOptions {
  readonly sender: Sender;
  readonly rps: number;
  /** It can be stopped earlier. */
  readonly seconds: number;
  /** Each request leaves at a random moment of its slot, so that it is not in step with the router's turns. */
  readonly seed: string;
  readonly inFlight?: number;
  /** Called for each answer and each connection error. */
  readonly onAnswer?: (answer: Answer) => void;
}

export interface Load {
  readonly report: Promise<LoadReport>;
  stop(): void;
}

interface Progress {
  sent: number;
  notSent: number;
  open: number;
  maxLateMs: number;
  stopped: boolean;
}

const sendOne = (sender: Sender, tally: Tally, progress: Progress, inFlight: number): void => {
  if (progress.open >= inFlight) {
    progress.notSent += 1;
    return;
  }
  progress.open += 1;
  progress.sent += 1;
  const sentAt = performance.now();
  sender
    .send()
    .then((reply) => tally.answered({ ...reply, sentAt, endedAt: performance.now() }))
    .catch((error: NodeJS.ErrnoException) => tally.failed(error, sentAt))
    .finally(() => {
      progress.open -= 1;
    });
};

export const startLoad = (options: LoadOptions): Load => {
  const { sender, rps, seconds, inFlight = 2000, onAnswer = () => {} } = options;
  const random = randomOf('load', options.seed);
  const tally = createTally(onAnswer);
  const planned = Math.round(rps * seconds);
  const progress: Progress = { sent: 0, notSent: 0, open: 0, maxLateMs: 0, stopped: false };
  const done = (): number => progress.sent + progress.notSent;

  const run = async (): Promise<LoadReport> => {
    const startedAt = performance.now();
    let due = startedAt;
    while (!progress.stopped && done() < planned) {
      const now = performance.now();
      while (due <= now && done() < planned) {
        progress.maxLateMs = Math.max(progress.maxLateMs, now - due);
        sendOne(sender, tally, progress, inFlight);
        due = startedAt + ((done() + random()) / rps) * 1000;
      }
      await sleep(Math.min(5, 1000 / rps));
    }
    const duration = (performance.now() - startedAt) / 1000;
    while (progress.open > 0) await sleep(10); // Bounded by the request timeout.
    sender.close();
    return tally.report({ ...progress, seconds: duration });
  };
  return {
    report: run(),
    stop: () => {
      progress.stopped = true;
    },
  };
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: GATEWAY_URL },
      host: { type: 'string', default: '' },
      grpc: { type: 'boolean', default: false },
      method: { type: 'string', default: 'GET' },
      rps: { type: 'string', default: '100' },
      seconds: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
    },
  });
  const where = { url: values.url, host: values.host, method: values.method };
  const sender = values.grpc ? createGrpcSender(where) : createHttpSender(where);
  const load = startLoad({ sender, rps: Number(values.rps), seconds: Number(values.seconds), seed: values.seed });
  process.once('SIGINT', load.stop);
  process.once('SIGTERM', load.stop);
  console.log(JSON.stringify(await load.report, null, 2));
};

if (import.meta.main) await main();
