import { formatDuration, formatNumber } from '../core/format.ts';
import type { Ms } from '../core/units.ts';
import { cut } from './escape.ts';

/** `0.6 s` where whole seconds would hide the number, else as durations are written everywhere. */
export const exactDuration = (ms: Ms): string =>
  ms >= 0 && ms < 9_950 ? `${Number((ms / 1000).toFixed(1))} s` : formatDuration(ms);

/** `24 of 60 s` when both read well in seconds, else `45 s of 5 min`. */
export const progress = (done: Ms, whole: Ms): string =>
  whole <= 120_000 && whole % 1000 === 0
    ? `${Math.floor(Math.max(0, done) / 1000)} of ${whole / 1000} s`
    : `${formatDuration(done)} of ${formatDuration(whole)}`;

/** How long a weight was held: seconds up to two minutes, as intervals are written. */
export const heldTime = (ms: Ms): string => (ms < 120_500 ? `${Math.round(ms / 1000)} s` : formatDuration(ms));

const iso = (at: Ms): string => {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
};

/** `10:04:25`, UTC. */
export const clockTime = (at: Ms): string => iso(at).slice(11, 19);

/** `10:04`, UTC. */
export const clockMinute = (at: Ms): string => iso(at).slice(11, 16);

/** `11:04 UTC`, with the day where it is another one than that of `now`: a rollout may wait over night. */
export const instant = (when: Ms, now: Ms): string => dated(when, now, 16);

/** `11:04:25 UTC`, with the day where it is another one than that of `now`. */
export const instantOfDay = (when: Ms, now: Ms): string => dated(when, now, 19);

const dated = (when: Ms, now: Ms, end: number): string => {
  const text = iso(when);
  const day = text.slice(0, 10) === iso(now).slice(0, 10) ? '' : `${text.slice(0, 10)} `;
  return text === '' ? '' : `${day}${text.slice(11, end)} UTC`;
};

/** ISO 8601 in UTC, for machines. */
export const isoTime = (at: Ms | null): string | null => (at === null ? null : iso(at));

const UNIT_LIMIT = 20;

/** A measured value; '' when it is not a number. */
export const measured = (value: number, unit: string | null): string =>
  Number.isFinite(value) ? formatNumber(value, cut(unit ?? '', UNIT_LIMIT)) : '';
