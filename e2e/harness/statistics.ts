/** NaN when there is nothing, or one that was not measured. */
export const median = (values: readonly number[]): number => {
  if (values.some(Number.isNaN)) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

/** `median 61 ms, 40 to 90 ms, 20 times`. */
export const spread = (values: readonly number[], unit: string): string =>
  `median ${median(values)} ${unit}, ${Math.min(...values)} to ${Math.max(...values)} ${unit}, ${values.length} times`;
