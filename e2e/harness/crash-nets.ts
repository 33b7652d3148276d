import { setTimeout as sleep } from 'node:timers/promises';
import { PROMETHEUS_URL } from '../stack/settings.ts';
import { type ActionRun, type Inputs, startAction, tailOf } from './action.ts';
import type { Attendant, Net, Rescue, Wreck } from './crash-case.ts';
import { imageOf } from './objects.ts';
import { APP, type Scene } from './scene.ts';
import type { Context } from './shop.ts';
import {
  AFTER_SECONDS,
  allowWatchdog,
  startWatchdogPod,
  type WatchdogPod,
  watchdogInputs,
  watchdogJob,
} from './watchdog-pod.ts';

const saidOf = (run: ActionRun): string =>
  `${run.outputs['status'] || 'no status'} ${run.outputs['reason-code'] ?? ''}`;

/** The end of one run of a net: as one of these, or trouble. */
const rescueOf = (run: ActionRun, ends: readonly string[]): Rescue => {
  const isGood = ends.includes(run.outputs['status'] ?? '');
  return { said: saidOf(run), trouble: isGood ? null : tailOf(run) };
};

const runWith = (context: Context, inputs: Inputs): Promise<ActionRun> => startAction(inputs, context.github.url).done;

/** A net that is not there before it is needed. */
const later = (rescue: Attendant['rescue']): Omit<Net, 'name' | 'returns'> => ({
  covers: () => true,
  attend: async () => ({ inputs: {}, rescue, end: () => {} }),
});

/** A person, or the next commit, starts the same workflow again. */
export const nextRun: Net = {
  name: 'next run',
  returns: false,
  ...later(async (context, { inputs, place }) => {
    const ends = place.scenario === 'failing' ? ['rolled-back'] : ['promoted', 'unchanged', 'rolled-back'];
    return rescueOf(await runWith(context, inputs), ends);
  }),
};

/** The next commit brings another image: what is left of the dead run is brought to its end first. */
export const otherImage: Net = {
  name: 'other image',
  returns: false,
  ...later(async (context, { inputs }) =>
    rescueOf(await runWith(context, { ...inputs, image: imageOf('checkout', '3.0') }), ['promoted']),
  ),
};

const sweepInputs = ({ opened }: Wreck): Inputs => ({
  command: 'sweep',
  namespace: opened.shop.namespace,
  kubeconfig: opened.shop.kubeconfig,
  prometheus: PROMETHEUS_URL,
});

/** A scheduled workflow looks for rollouts that nobody drives. */
export const sweep: Net = {
  name: 'sweep',
  returns: true,
  ...later(async (context, wreck) => rescueOf(await runWith(context, sweepInputs(wreck)), ['accepted'])),
};

/** It renews nothing and asks in turns, on a machine that does other things too. */
const WATCHDOG_MS = (AFTER_SECONDS + 40) * 1000;

/** Starts what the Job's pod would run as soon as there is a Job. */
const awaitPod = (context: Context, { opened }: Scene): { pod(): WatchdogPod | null; end(): void } => {
  const { namespace } = opened.shop;
  let pod: WatchdogPod | null = null;
  let isOver = false;
  const look = async (): Promise<void> => {
    while (!isOver && (await watchdogJob(context, namespace, APP)) === null) await sleep(100);
    if (!isOver) pod = await startWatchdogPod(context, namespace, APP);
    if (isOver) pod?.kill();
  };
  const looking = look().catch(() => {}); // Without a pod the rescue says so.
  return {
    pod: () => pod,
    end: () => {
      isOver = true;
      void looking.then(() => pod?.kill());
    },
  };
};

/** The Job in the cluster returns the traffic; a sweep later takes the rest away. */
export const watchdog: Net = {
  name: 'watchdog',
  returns: true,
  // Elsewhere there is no traffic that it may return.
  covers: ({ name, isPastReturn }) =>
    isPastReturn === false && /progressing\/(scale|shift to 70|bake)|promoting/.test(name),
  attend: async (context, scene, inputs) => {
    await allowWatchdog(context, scene.opened.shop, inputs);
    const { pod, end } = awaitPod(context, scene);
    const rescue: Attendant['rescue'] = async (_context, wreck) => {
      const { weights, killedAt } = wreck;
      const isBack = (): boolean => weights.held().at(-1)?.weight === 0;
      while (!isBack() && Date.now() - killedAt < WATCHDOG_MS) await sleep(100);
      const returned = isBack();
      const log = pod()?.log().split('\n').slice(-5).join(' ⏎ ') ?? 'its pod never ran';
      const swept = rescueOf(await runWith(context, sweepInputs(wreck)), ['accepted']);
      return returned ? swept : { ...swept, trouble: `the watchdog did nothing: ${log}` };
    };
    return { inputs: watchdogInputs, rescue, end };
  },
};

/** Whether the bundle that is tested knows the command: an earlier one says so before it reads anything else. */
export const canSweep = async (context: Context): Promise<boolean> => {
  const run = await runWith(context, { command: 'sweep', namespace: 'default', kubeconfig: context.stack.kubeconfig });
  return run.outputs['status'] === 'accepted' || !run.log.includes('not in this version');
};
