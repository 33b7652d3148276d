/** SIGHUP: what some runners send where others send SIGINT (actions/runner#1309). */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls back on every signal that asks this process to end, which then does not end by itself. Returns how to stop listening. */
export const onCancel = (handler: (signal: NodeJS.Signals) => void): (() => void) => {
  for (const signal of SIGNALS) process.on(signal, handler);
  return () => {
    for (const signal of SIGNALS) process.off(signal, handler);
  };
};
