import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Processes {
  start(name: string, command: string, args: readonly string[], env?: Readonly<Record<string, string>>): void;
  /** Polls until `check` holds. Throws at the deadline, and with the end of its log when a process has ended. */
  until(what: string, check: () => boolean | Promise<boolean>, timeoutMs?: number): Promise<void>;
  /** The names of those that ended by themselves. */
  ended(): readonly string[];
  /** Resident memory by name, in MiB. */
  memory(): Readonly<Record<string, number>>;
  /** Ends them, last first. */
  stop(): Promise<void>;
}

interface Running {
  readonly name: string;
  readonly child: ChildProcess;
}

const hasEnded = ({ child }: Running): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

const end = async (running: Running): Promise<void> => {
  for (const [signal, patienceMs] of [
    ['SIGTERM', 5000],
    ['SIGKILL', 1000],
  ] as const) {
    if (hasEnded(running)) return;
    running.child.kill(signal);
    for (let waited = 0; waited < patienceMs && !hasEnded(running); waited += 20) await sleep(20);
  }
};

const memoryOf = (pid: number | undefined): number => {
  try {
    const [, kib] = /VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Math.round(Number(kib ?? 0) / 1024);
  } catch {
    return 0; // It is gone.
  }
};

/** Detached from the terminal: an interrupt is for the harness, which ends them in order. */
const launch = (
  log: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess => {
  const file = fs.openSync(log, 'a');
  const stdio: ['ignore', number, number] = ['ignore', file, file];
  const child = spawn(command, [...args], {
    cwd: dirname(log),
    detached: true,
    stdio,
    env: { ...process.env, ...env },
  });
  child.on('error', (error) => fs.appendFileSync(log, `${error.message}\n`));
  fs.closeSync(file);
  return child;
};

/** Starts the components of one stack; what they say goes to `logs`. */
export const superviseIn = (logs: string): Processes => {
  const all: Running[] = [];
  const tail = (name: string): string =>
    fs
      .readFileSync(join(logs, `${name}.log`), 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-15)
      .join('\n');
  const until: Processes['until'] = async (what, check, timeoutMs = 30_000) => {
    const deadline = Date.now() + timeoutMs;
    let last = '';
    while (Date.now() < deadline) {
      const dead = all.find(hasEnded);
      if (dead) throw new Error(`${dead.name} ended; the end of its log:\n${tail(dead.name)}`);
      try {
        if (await check()) return;
      } catch (error) {
        last = error instanceof Error ? error.message : String(error);
      }
      await sleep(50);
    }
    throw new Error(`${what} did not happen within ${timeoutMs / 1000} s ${last}`);
  };
  return {
    start: (name, command, args, env = {}) => {
      all.push({ name, child: launch(join(logs, `${name}.log`), command, args, env) });
    },
    until,
    ended: () => all.filter(hasEnded).map(({ name }) => name),
    memory: () => Object.fromEntries(all.map(({ name, child }) => [name, memoryOf(child.pid)])),
    stop: async () => {
      for (const running of all.toReversed()) await end(running);
    },
  };
};
