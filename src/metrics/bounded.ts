/** The same function with at most `limit` calls under way; further ones wait in order. */
export const bounded = <Arguments extends readonly unknown[], Value>(
  act: (...args: Arguments) => Promise<Value>,
  limit: number,
): ((...args: Arguments) => Promise<Value>) => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (...args) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await act(...args);
    } finally {
      // A slot is handed on, so that nobody who comes in between takes it.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
};
