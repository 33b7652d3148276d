import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WatchdogOrders } from '../../src/ports/watchdog.ts';
import { jobFor, STATE_UID } from './orders.ts';
import { asKubelet } from './pod.ts';

/**
 * The script under the machine's own `sh`, with a kubectl and a sleep that play a cluster out of files. Time is what the
 * script sleeps, so a run takes as long as its processes do.
 */

const KUBECTL = `#!/bin/sh
while [ $# -gt 0 ]; do case $1 in --namespace) shift 2 ;; --request-timeout=*) shift ;; *) break ;; esac; done
if [ -e "$WORLD/down" ]; then echo 'Unable to connect to the server' >&2; exit 1; fi
read -r now < "$WORLD/clock"
case "$1 $2" in
  'get leases.v1.coordination.k8s.io' | 'get configmaps') cat "$WORLD/$2" ;;
  get*)
    if [ -e "$WORLD/unseen-$2-$3" ]; then cat "$WORLD/unseen-$2-$3" >&2; exit 1; fi
    cat "$WORLD/mark-$2-$3"
    ;;
  patch*)
    for patch; do :; done
    printf '%s\\t%s\\t%s\\t%s\\n' "$now" "$2" "$3" "$patch" >> "$WORLD/patches"
    if [ -e "$WORLD/refuse-$2-$3" ]; then cat "$WORLD/refuse-$2-$3" >&2; exit 1; fi
    ;;
  *) echo "not expected: $*" >&2; exit 64 ;;
esac
`;

/** Lets time pass, then whatever the story has at that time happen. Ends the script when the story is over. */
const SLEEP = `#!/bin/sh
read -r now < "$WORLD/clock"
now=$((now + $1))
echo "$now" > "$WORLD/clock"
. "$WORLD/story"
if [ "$now" -ge "$END" ]; then kill -TERM "$PPID"; fi
`;

/** Things that happen in a story, as lines of sh. */
export const renewed = (holder = 'runner'): string =>
  `printf 'lease-uid %s ${holder}' "$now" > "$WORLD/leases.v1.coordination.k8s.io"`;
export const released = `printf 'lease-uid %s ' "$now" > "$WORLD/leases.v1.coordination.k8s.io"`;
export const leaseGone = ': > "$WORLD/leases.v1.coordination.k8s.io"';
export const stateGone = ': > "$WORLD/configmaps"';
export const left = (hold: string): string => `printf '${STATE_UID} ${hold}' > "$WORLD/configmaps"`;
export const markGone = (object: string): string => `: > "$WORLD/mark-${object}"`;
export const markAnothers = (object: string): string => `printf r2 > "$WORLD/mark-${object}"`;
export const refusing = (object: string, words = 'The request is invalid'): string =>
  `echo '${words}' > "$WORLD/refuse-${object}"`;
export const accepting = (object: string): string => `rm -f "$WORLD/refuse-${object}"`;
export const unseen = (object: string, words: string): string => `echo '${words}' > "$WORLD/unseen-${object}"`;
export const apiDown = ': > "$WORLD/down"';
export const apiUp = 'rm -f "$WORLD/down"';

export const at = (from: number, ...what: readonly string[]): string =>
  `if [ "$now" -eq ${from} ]; then ${what.join('; ')}; fi`;
export const until = (end: number, what: string): string => `if [ "$now" -lt ${end} ]; then ${what}; fi`;
export const since = (from: number, what: string): string => `if [ "$now" -ge ${from} ]; then ${what}; fi`;

export interface Told {
  readonly exitCode: number | null;
  /** Seconds since the start, resource and name, patch. */
  readonly patches: readonly { readonly at: number; readonly object: string; readonly patch: string }[];
  readonly log: string;
  readonly errors: string;
  /** What the readiness probe would read. */
  readonly sees: string;
}

const write = (folder: string, name: string, text: string, mode = 0o644): void =>
  fs.writeFileSync(join(folder, name), text, { mode });

/** Runs the Job's container from second 0 to `end`; the Lease was renewed at 0. */
export const tell = (orders: WatchdogOrders, story: readonly string[], end = 200): Told => {
  const { command, args, env } = asKubelet(jobFor(orders));
  const world = fs.mkdtempSync(join(tmpdir(), 'canary-watchdog-'));
  try {
    write(world, 'kubectl', KUBECTL, 0o755);
    write(world, 'sleep', SLEEP, 0o755);
    write(world, 'clock', '0\n');
    write(world, 'patches', '');
    write(world, 'configmaps', `${STATE_UID} `);
    write(world, 'leases.v1.coordination.k8s.io', 'lease-uid 0 runner');
    for (const { ref } of [...orders.returns, ...(orders.lastResort === null ? [] : [orders.lastResort])])
      write(world, `mark-${resourceOf(args, ref.name)}-${ref.name}`, orders.guard.wayBack.value);
    write(world, 'story', `${story.join('\n')}\n`);
    const [program = 'sh', ...words] = [...command, ...args];
    const run = spawnSync(program, words, {
      encoding: 'utf8',
      env: {
        ...env,
        HOME: world,
        CLOCK: join(world, 'clock'),
        WORLD: world,
        END: String(end),
        PATH: `${world}:${process.env['PATH']}`,
      },
    });
    const patches = fs
      .readFileSync(join(world, 'patches'), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return {
      exitCode: run.status,
      patches: patches.map((line) => {
        const [when, resource, name, ...patch] = line.split('\t');
        return { at: Number(when), object: `${resource}-${name}`, patch: patch.join('\t') };
      }),
      log: run.stdout,
      errors: run.stderr,
      sees: fs.existsSync(join(world, 'sees')) ? fs.readFileSync(join(world, 'sees'), 'utf8').trim() : '',
    };
  } finally {
    fs.rmSync(world, { recursive: true });
  }
};

/** The last resort is a Service, and no argument. */
const resourceOf = (args: readonly string[], name: string): string => args[args.indexOf(name) - 1] ?? 'services';
