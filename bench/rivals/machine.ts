import fs from 'node:fs';
import { availableParallelism } from 'node:os';

/** Ticks of all cores since boot, https://man7.org/linux/man-pages/man5/proc_stat.5.html. */
const ticks = (): { readonly busy: number; readonly all: number } => {
  const [line = ''] = fs.readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + irq + soft + steal;
  return { busy, all: busy + idle + wait };
};

/** How busy the whole machine is from now until the returned function is called. */
export const watchMachine = (): (() => string) => {
  const from = ticks();
  return () => {
    const to = ticks();
    const share = (100 * (to.busy - from.busy)) / (to.all - from.all);
    return `${share.toFixed(0)} % of ${availableParallelism()} cores busy`;
  };
};
