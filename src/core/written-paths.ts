import { changedPaths } from './changed-paths.ts';
import { fieldsOf, isFields } from './shape.ts';

/**
 * The places in which a live object differs from what somebody wrote of it. What is not written is a default that the API
 * server has chosen, and so is what is written as null.
 */
export const writtenPaths = (live: unknown, written: unknown, path: string): readonly string[] => {
  const spoken = withoutNulls(written);
  return changedPaths(spokenOf(live, spoken), spoken, path);
};

const withoutNulls = (written: unknown): unknown => {
  if (Array.isArray(written)) return written.map(withoutNulls);
  if (!isFields(written)) return written;
  const entries = Object.entries(written).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutNulls(value)]));
};

/** Of the live value, the parts that the written one speaks of. */
const spokenOf = (live: unknown, written: unknown): unknown => {
  if (Array.isArray(live) && Array.isArray(written) && live.length === written.length)
    return live.map((one, index) => spokenOf(one, written[index]));
  if (!isFields(written)) return live;
  const known = Object.keys(written).filter((key) => fieldsOf(live)[key] !== undefined);
  return isFields(live)
    ? Object.fromEntries(known.map((key) => [key, spokenOf(live[key], written[key])]))
    : // What has no such part at all has nothing written in it.
      live === undefined
      ? {}
      : live;
};
