import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { POD_NETWORK } from './settings.ts';

const INSIDE = 'CANARY_E2E_NAMESPACE';

/**
 * A network with nothing but loopback, mounts of its own, and processes that end with the first one. As root; otherwise
 * as root of a user namespace, where the system allows it.
 */
const OWN = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;

const works = (flags: readonly string[]): boolean => spawnSync('unshare', [...flags, 'true']).status === 0;

const flagsHere = (): readonly string[] => {
  const candidates = process.getuid?.() === 0 ? [OWN] : [['--map-root-user', ...OWN]];
  const flags = candidates.find(works);
  if (!flags) {
    throw new Error(
      'the end-to-end tests need Linux namespaces: run them as root, or allow unprivileged user namespaces ' +
        '(unshare --map-root-user --net --mount --pid --fork true must work)',
    );
  }
  return flags;
};

/** Whether this process is one that `enterNamespace` started. */
export const isInside = (): boolean => process.env[INSIDE] === '1';

/** Loopback up, every pod address local, and shared memory that nobody else sees. */
const furnish = (): void => {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/dev/shm']);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  execFileSync('ip', ['route', 'add', 'local', POD_NETWORK, 'dev', 'lo']);
};

/**
 * True inside. Outside, starts this script again inside, passes its end on as the exit code, and returns false: no
 * traffic of a run can reach, or come from, any other address of the machine, and two runs cannot meet.
 */
export const enterNamespace = (script: string): boolean => {
  if (isInside()) {
    furnish();
    return true;
  }
  const again = [process.execPath, ...process.execArgv, script, ...process.argv.slice(2)];
  const child = spawn('unshare', [...flagsHere(), ...again], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [INSIDE]: '1' },
  });
  // `unshare` ignores these, and the first process of a namespace does not get them: the channel's end tells it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.connected && child.disconnect());
  child.on('error', (error) => console.error(`unshare cannot be started: ${error.message}`));
  child.on('exit', (code) => {
    process.exitCode = code ?? 1;
  });
  return false;
};

/** Inside: calls back when the process outside was interrupted or is gone. */
export const whenAbandoned = (callback: () => void): void => {
  process.once('disconnect', callback);
  process.channel?.unref(); // It does not keep a finished run alive.
};
