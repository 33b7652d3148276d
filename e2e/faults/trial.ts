import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultProxy, startFaultProxy } from '../harness/fault-proxy.ts';
import { createInjector, type Injected, type Injection, type Injector } from './inject.ts';
import { followMoments, type Moment } from './moments.ts';
import type { Asked, Ended, Running, Stable, World } from './world.ts';

/** How a run is ended from outside. */
export interface Interruption {
  readonly kind: 'cancel' | 'kill';
  readonly moment: Moment;
  readonly afterMs: number;
}

/** One release under faults. */
export interface Trial {
  readonly tag: string;
  readonly injections: readonly Injection[];
  readonly interruption: Interruption | null;
  readonly gitHubIsDead: boolean;
}

export interface Tried {
  readonly trial: Trial;
  readonly ended: Ended;
  /** It had to be killed. */
  readonly isTooLong: boolean;
  readonly before: Stable;
  /** Of the next run, of another release, where this one could not end by itself; null otherwise. */
  readonly rescue: Ended | null;
  readonly injected: readonly Injected[];
  readonly after: Stable;
  readonly weight: number;
  readonly remains: readonly string[];
  readonly sent: number;
  readonly lost: number;
  readonly lostText: string;
  /** From the first fault to the moment the canary had no weight any more; null where neither happened. */
  readonly safeAfterMs: number | null;
}

/** A minute of patience of a stage, half of one of the lease, and what stalls cost. */
const LONGEST_MS = 180_000;

const isBad = (tag: string): boolean => tag.includes('bad');

/** A good version that comes after this one. */
const nextOf = ({ tag }: Trial): string => `${tag.replace(/-bad\d*/, '')}-next`;

const bounded = async (running: Running): Promise<{ readonly ended: Ended; readonly isTooLong: boolean }> => {
  const state = { isTooLong: false };
  const timer = setTimeout(() => {
    state.isTooLong = true;
    running.kill();
  }, LONGEST_MS);
  try {
    return { ended: await running.done, ...state };
  } finally {
    clearTimeout(timer);
  }
};

/** The traffic is where it belongs, or another run has to bring it there. */
const needsRescue = ({ status }: Ended): boolean => status === '' || status === 'halted' || status === 'paused';

interface Proxies {
  readonly api: FaultProxy;
  readonly metrics: FaultProxy;
}

const askedOf = (world: World, { api, metrics }: Proxies, trial: Trial, tag: string): Asked => ({
  image: world.imageOf(tag),
  kubeconfig: world.kubeconfig(api.url),
  prometheus: metrics.url,
  gitHubIsDead: trial.gitHubIsDead,
  post: trial.interruption?.kind === 'cancel',
});

const interrupt = ({ interruption }: Trial, moment: Moment, running: Running): void => {
  if (interruption?.moment !== moment) return;
  setTimeout(() => (interruption.kind === 'kill' ? running.kill() : running.cancel()), interruption.afterMs);
};

interface Stage {
  readonly running: Running;
  readonly injector: Injector;
  readonly proxies: Proxies;
  /** Faults are for the run that was begun: what rescues it has none. */
  readonly endFaults: () => Promise<void>;
}

const begin = async (world: World, trial: Trial): Promise<Stage> => {
  const told: { enter: (moment: Moment) => void } = { enter: () => {} };
  const moments = followMoments((moment) => told.enter(moment));
  const proxies = {
    api: await startFaultProxy({ ...world.api, onRequest: moments.see }),
    metrics: await startFaultProxy(world.metrics),
  };
  const injector = createInjector(trial.injections, proxies);
  const running = world.start(askedOf(world, proxies, trial, trial.tag));
  told.enter = (moment) => {
    injector.enter(moment);
    interrupt(trial, moment, running);
  };
  told.enter('checking');
  const endFaults = (): Promise<void> => {
    told.enter = () => {};
    return injector.clear();
  };
  return { running, injector, proxies, endFaults };
};

const firstOf = (injected: readonly Injected[]): number | null =>
  injected.reduce<number | null>(
    (first, { startedAt }) => (startedAt === null ? first : Math.min(first ?? startedAt, startedAt)),
    null,
  );

/** Users notice a moment later than the route. */
const AFTERMATH_MS = 300;

/** Runs one release with its faults to its end, and another one where that is what it takes to be safe. */
export const runTrial = async (world: World, trial: Trial): Promise<Tried> => {
  const before = await world.stable();
  const startedAt = Date.now();
  const { running, injector, proxies, endFaults } = await begin(world, trial);
  try {
    const { ended, isTooLong } = await bounded(running);
    await endFaults();
    const isOpen = needsRescue(ended);
    const rescued = isOpen ? await bounded(world.start(askedOf(world, proxies, trial, nextOf(trial)))) : null;
    await sleep(AFTERMATH_MS);
    const { weight, since } = world.weight();
    const first = firstOf(injector.injected);
    const isBack = weight === 0 && first !== null && ended.status !== 'promoted' && since > first;
    const { sent, lost, text } = world.users(startedAt, isBad(trial.tag) ? trial.tag : '');
    return {
      trial,
      ended,
      isTooLong: isTooLong || rescued?.isTooLong === true,
      before,
      rescue: rescued?.ended ?? null,
      injected: injector.injected,
      after: await world.stable(),
      weight,
      remains: await world.remains(),
      sent,
      lost,
      lostText: text,
      safeAfterMs: isBack ? since - first : null,
    };
  } finally {
    proxies.api.stop();
    proxies.metrics.stop();
  }
};

const SAFE: readonly string[] = ['promoted', 'rolled-back', 'aborted', 'rejected', 'halted'];

const wrongEnd = ({ trial, ended, rescue }: Tried): readonly string[] => {
  const last = rescue ?? ended;
  return [
    // A cancelled run may be killed right after it cleaned up, before it could say so.
    ...(SAFE.includes(ended.status) || (ended.status === '' && trial.interruption !== null)
      ? []
      : [`it ended as "${ended.status}"`]),
    ...(rescue === null || rescue.status === 'promoted' ? [] : [`the next run ended as "${rescue.status}"`]),
    ...(isBad(trial.tag) && ended.status === 'promoted' ? ['a bad version was promoted'] : []),
    ...(!isBad(trial.tag) && last.reasonCode === 'metric-failed' ? ['a good version was blamed'] : []),
  ];
};

const wrongPlace = (world: World, { trial, ended, rescue, before, after, weight }: Tried): readonly string[] => {
  const expected =
    rescue !== null
      ? world.imageOf(nextOf(trial))
      : ended.status === 'promoted'
        ? world.imageOf(trial.tag)
        : before.image;
  return [
    ...(weight === 0 ? [] : [`the canary has ${weight * 100} %`]),
    ...(after.image === expected ? [] : [`stable runs ${after.image}, not ${expected}`]),
    ...(after.ready ? [] : ['stable is not ready']),
  ];
};

/** What must hold after any rollout under any faults that do not break the way of the users' requests. */
export const problemsOf = (world: World, tried: Tried): readonly string[] => [
  ...(tried.isTooLong ? [`it did not end within ${LONGEST_MS / 1000} s`] : []),
  ...wrongEnd(tried),
  ...wrongPlace(world, tried),
  ...(tried.remains.length === 0 ? [] : [`left behind: ${tried.remains.join(', ')}`]),
  ...(tried.lost === 0 ? [] : [`lost ${tried.lostText}`]),
  ...(tried.sent > 0 ? [] : ['no user was there']),
];

const tailOf = ({ log }: Ended): string =>
  log
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('::add-mask::'))
    .slice(-60)
    .join('\n');

/** Everything that helps to understand a trial that failed. */
export const dossierOf = (tried: Tried): string => {
  const { ended, rescue } = tried;
  const said = ({ status, reasonCode, reason }: Ended): string => `${status || 'killed'} (${reasonCode}): ${reason}`;
  return [
    said(ended),
    tailOf(ended),
    ...(rescue === null ? [] : [`--- the next run: ${said(rescue)}`, tailOf(rescue)]),
  ].join('\n');
};
