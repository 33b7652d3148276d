import type { BasisPoints, Ms } from './units.ts';

const NARROW_SPACE = ' ';

/** `12 345`: groups of three, from four digits on. */
export const formatCount = (count: number): string =>
  Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, NARROW_SPACE);

/** A weight or share: `5 %`, `4.9 %`. */
export const formatWeight = (points: BasisPoints): string => `${Number((points / 100).toFixed(1))} %`;

/** A ratio of 0 to 1 with as many digits as carry information: `0.08 %`, `2.6 %`, `12 %`. */
export const formatRatio = (ratio: number): string => {
  const percent = ratio * 100;
  if (percent === 0) return '0 %';
  if (percent < 1) return `${Number(percent.toPrecision(2))} %`;
  return `${Number(percent.toFixed(percent < 10 ? 1 : 0))} %`;
};

/** A measured value with its unit; seconds below one are shown as milliseconds. */
export const formatNumber = (value: number, unit: string): string => {
  if (unit === 's' && Math.abs(value) < 1) return `${Number((value * 1000).toPrecision(3))} ms`;
  const text = Math.abs(value) >= 1000 ? formatCount(value) : String(Number(value.toPrecision(3)));
  return unit === '' ? text : `${text} ${unit}`;
};

/** `45 s`, `2 min 25 s`, `1 h 5 min`. */
export const formatDuration = (duration: Ms): string => {
  const seconds = Math.max(0, Math.round(duration / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** `10:04:25 UTC` */
export const formatTime = (at: Ms): string => `${new Date(at).toISOString().slice(11, 19)} UTC`;

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

const short = (value: number): string => String(Number(value.toPrecision(3)));

const bytesText = (bytes: number): string => {
  const power = Math.min(BYTES.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, Math.abs(bytes))) / 10)));
  return `${short(bytes / 2 ** (10 * power))} ${BYTES[power] ?? 'B'}`;
};

/** An amount of a resource for people: `1.5 CPU`, `512 MiB`, `4 pods`, `2 nvidia.com/gpu`. */
export const formatAmount = (resource: string, amount: number): string => {
  if (resource === 'cpu') return `${short(amount)} CPU`;
  if (/^(memory|ephemeral-storage|hugepages-.*)$/.test(resource)) return bytesText(amount);
  return resource === 'pods' ? `${amount} ${amount === 1 ? 'pod' : 'pods'}` : `${short(amount)} ${resource}`;
};
