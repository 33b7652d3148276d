import type { ProxiedRequest } from '../harness/fault-proxy.ts';

/** The parts of a rollout's life in which faults are injected; `committed` is promoting past the point of no return. */
export const MOMENTS = ['preparing', 'progressing', 'promoting', 'committed', 'rolling-back'] as const;
/** `checking`: from the start of the process on, before anything is written. */
export type Moment = (typeof MOMENTS)[number] | 'checking';

export interface Moments {
  /** Given to the proxy in front of the API server. */
  readonly see: (request: ProxiedRequest) => void;
  /** When each was entered, epoch ms. */
  readonly entered: ReadonlyMap<Moment, number>;
}

const isMoment = (text: string): text is Moment => (MOMENTS as readonly string[]).includes(text);

/** What the state that a request saves says; null for other requests. The state is JSON inside JSON. */
const momentIn = ({ method, path, body }: ProxiedRequest): Moment | null => {
  if (method === 'GET' || !path.includes('/configmaps')) return null;
  const [, phase = ''] = /\\"phase\\":\\"([a-z-]+)\\"/.exec(body) ?? [];
  if (phase === 'promoting' && /\\"committedAt\\":\d/.test(body)) return 'committed';
  return isMoment(phase) ? phase : null;
};

/** Tells where a rollout is by the state it saves, which it does before what it saves is acted on. */
export const followMoments = (onEntered: (moment: Moment) => void): Moments => {
  const entered = new Map<Moment, number>();
  return {
    entered,
    see: (request) => {
      const moment = momentIn(request);
      if (moment === null || entered.has(moment)) return;
      entered.set(moment, request.at);
      onEntered(moment);
    },
  };
};
