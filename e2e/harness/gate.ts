/** Lets so many in at a time, in the order in which they came. */
export interface Gate {
  /** Resolves inside, with the way out, which may be taken twice. */
  enter(): Promise<() => void>;
}

export const createGate = (width: number): Gate => {
  const waiting: (() => void)[] = [];
  let inside = 0;
  const next = (): void => {
    const first = waiting.shift();
    if (first === undefined) inside -= 1;
    else first();
  };
  return {
    enter: async () => {
      if (inside < width) inside += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      let isInside = true;
      return () => {
        if (isInside) next();
        isInside = false;
      };
    },
  };
};
