/**
 * One write at a time; of what comes meanwhile only the latest is written. The promise is fulfilled once nothing is left
 * to write. `write` must not throw.
 */
export const latestOnly = <Value>(write: (value: Value) => Promise<void>): ((value: Value) => Promise<void>) => {
  let next: { readonly value: Value } | null = null;
  let running: Promise<void> | null = null;
  const drain = async (): Promise<void> => {
    try {
      while (next !== null) {
        const { value } = next;
        next = null;
        await write(value);
      }
    } finally {
      running = null;
    }
  };
  return (value) => {
    next = { value };
    running ??= drain();
    return running;
  };
};
