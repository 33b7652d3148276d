import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ChildSignals {
  readonly cancel: AbortSignal | undefined;
  readonly die: AbortSignal | undefined;
  readonly timeoutMs: number;
}

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly firstLineMs: number | null;
  readonly durationMs: number;
  readonly timedOut: boolean;
}

// src/Runner.Sdk/ProcessInvoker.cs: _sigintTimeout and _sigtermTimeout.
const SIGTERM_AFTER_MS = 7500;
const SIGKILL_AFTER_MS = 2500;

const whenAborted = (signal: AbortSignal | undefined, action: () => void): void => {
  if (signal === undefined) return;
  if (signal.aborted) action();
  else signal.addEventListener('abort', action, { once: true });
};

/** SIGINT, then less and less polite. The timers end with the process. */
const cancelSequence = (child: ChildProcess, timers: Set<NodeJS.Timeout>): void => {
  child.kill('SIGINT');
  timers.add(setTimeout(() => child.kill('SIGTERM'), SIGTERM_AFTER_MS));
  timers.add(setTimeout(() => child.kill('SIGKILL'), SIGTERM_AFTER_MS + SIGKILL_AFTER_MS));
};

/** Runs a script with this Node in an environment of its own; both of its streams are one log. */
export const runChild = async (
  script: string,
  env: Readonly<Record<string, string>>,
  signals: ChildSignals,
  onLine: (line: string) => void,
): Promise<ChildResult> => {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const result = { firstLineMs: null as number | null, timedOut: false };
  const read = (line: string): void => {
    result.firstLineMs ??= performance.now() - startedAt;
    lines.push(line);
    onLine(line);
  };
  const readers = [child.stdout, child.stderr].map((input) =>
    createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }),
  );
  const drained = readers.map((reader) => new Promise<void>((resolve) => reader.on('line', read).on('close', resolve)));
  const timers = new Set<NodeJS.Timeout>();
  timers.add(
    setTimeout(() => {
      result.timedOut = true;
      child.kill('SIGKILL');
    }, signals.timeoutMs),
  );
  whenAborted(signals.cancel, () => cancelSequence(child, timers));
  whenAborted(signals.die, () => child.kill('SIGKILL'));
  const ended = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  for (const timer of timers) clearTimeout(timer);
  await Promise.all(drained);
  return { ...ended, ...result, stdout: lines.join('\n'), durationMs: performance.now() - startedAt };
};
