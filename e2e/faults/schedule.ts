import { randomOf } from '../stack/random.ts';
import { API_FAULTS } from './api-faults.ts';
import { type Injection, injectionText } from './inject.ts';
import { METRICS_FAULTS } from './metrics-faults.ts';
import { MOMENTS, type Moment } from './moments.ts';
import type { Interruption, Trial } from './trial.ts';

type Random = () => number;

const WHENEVER: readonly Moment[] = ['checking', ...MOMENTS];

const pick = <Item>(random: Random, items: readonly Item[]): Item => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};

/** Short ones more often; a longer one than a lease now and then. */
const durationMs = (random: Random): number => Math.round(random() < 0.04 ? 32_000 : 300 + 5000 * random() ** 2);

const injectionOf = (random: Random): Injection => {
  const side = random() < 0.6 ? 'api' : 'metrics';
  return {
    side,
    fault: pick(random, side === 'api' ? API_FAULTS : METRICS_FAULTS),
    moment: pick(random, WHENEVER),
    afterMs: random() < 0.4 ? 0 : Math.round(3000 * random()),
    forMs: side === 'metrics' && random() < 0.3 ? null : durationMs(random),
  };
};

const interruptionOf = (random: Random): Interruption | null => {
  const luck = random();
  if (luck > 0.3) return null;
  return {
    kind: luck < 0.1 ? 'kill' : 'cancel',
    moment: pick(random, WHENEVER),
    afterMs: Math.round(4000 * random() ** 2),
  };
};

/** The same words give the same schedule on every machine. When its parts meet requests is the machine's. */
export const scheduleOf = (seed: string): Trial => {
  const random = randomOf('schedule', seed);
  const isBad = random() < 0.25;
  const count = 1 + Math.floor(3 * random());
  return {
    tag: isBad ? '2.0-bad50' : '2.0',
    injections: Array.from({ length: count }, () => injectionOf(random)),
    interruption: interruptionOf(random),
    gitHubIsDead: random() < 0.3,
  };
};

export const scheduleText = ({ tag, injections, interruption, gitHubIsDead }: Trial): string =>
  [
    tag,
    ...injections.map(injectionText),
    ...(interruption === null ? [] : [`${interruption.kind} at ${interruption.moment} + ${interruption.afterMs} ms`]),
    ...(gitHubIsDead ? ['GitHub dead'] : []),
  ].join('; ');
