export interface Latencies {
  add(ms: number): void;
  /** ms; 0 when there are none. */
  quantile(q: number): number;
}

/** A constant-size sketch of latencies: buckets 5 % apart, so a quantile is within 5 %. */
export const createLatencies = (): Latencies => {
  const counts = new Map<number, number>();
  let total = 0;
  return {
    add: (ms) => {
      const bucket = Math.ceil(Math.log(Math.max(ms, 0.01)) / Math.log(1.05));
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
      total += 1;
    },
    quantile: (q) => {
      let left = q * total;
      for (const [bucket, count] of [...counts].sort(([a], [b]) => a - b)) {
        left -= count;
        if (left <= 0) return Number((1.05 ** bucket).toFixed(2));
      }
      return 0;
    },
  };
};
