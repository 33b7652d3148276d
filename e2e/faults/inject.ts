import type { FaultProxy } from '../harness/fault-proxy.ts';
import type { NamedFault } from './api-faults.ts';
import type { Moment } from './moments.ts';

export type Side = 'api' | 'metrics';

/** One fault in one span of a rollout. */
export interface Injection {
  readonly side: Side;
  readonly fault: NamedFault;
  readonly moment: Moment;
  /** From the moment on. */
  readonly afterMs: number;
  /** From the first request it hits; of a server that is away, from the beginning. null: to the end. */
  readonly forMs: number | null;
}

export interface Injected {
  readonly injection: Injection;
  /** Epoch ms; null: its moment never came. */
  startedAt: number | null;
  /** Requests that it hit. */
  hits(): number;
}

export interface Injector {
  readonly injected: readonly Injected[];
  /** Begins what belongs to the moment. */
  enter(moment: Moment): void;
  /** Ends everything; both servers answer as they should. */
  clear(): Promise<void>;
}

/** Puts the faults into the proxies of one rollout. */
export const createInjector = (
  injections: readonly Injection[],
  proxies: Readonly<Record<Side, FaultProxy>>,
): Injector => {
  const timers = new Set<NodeJS.Timeout>();
  const later = (ms: number, act: () => void): void => void timers.add(setTimeout(act, ms));
  const injected = injections.map((injection, index): Injected => {
    const name = `${index} ${injection.fault.name}`;
    const { log } = proxies[injection.side];
    const entry: Injected = {
      injection,
      startedAt: null,
      // Nobody counts connections that are refused.
      hits: () =>
        injection.fault.make(Date.now) === null
          ? Number(entry.startedAt !== null)
          : log.filter(({ rule }) => rule === name).length,
    };
    return entry;
  });
  const begin = (entry: Injected, index: number): void => {
    const { side, fault, forMs } = entry.injection;
    const { rules, down, up } = proxies[side];
    const startedAt = Date.now();
    entry.startedAt = startedAt;
    const rule = fault.make(() => startedAt);
    if (rule !== null) {
      rules.push({ ...rule, name: `${index} ${fault.name}`, ...(forMs !== null && { forMs }) });
      return;
    }
    down();
    if (forMs !== null) later(forMs, () => void up());
  };
  return {
    injected,
    enter: (moment) => {
      injected.forEach((entry, index) => {
        if (entry.injection.moment !== moment || entry.startedAt !== null) return;
        if (entry.injection.afterMs === 0) begin(entry, index);
        else later(entry.injection.afterMs, () => begin(entry, index));
      });
    },
    clear: async () => {
      for (const timer of timers) clearTimeout(timer);
      for (const proxy of Object.values(proxies)) {
        proxy.rules.length = 0;
        await proxy.up();
      }
    },
  };
};

export const injectionText = ({ side, fault, moment, afterMs, forMs }: Injection): string =>
  `${side} ${fault.name} from ${moment}${afterMs === 0 ? '' : ` + ${afterMs} ms`}, ${forMs === null ? 'to the end' : `${forMs} ms`}`;
