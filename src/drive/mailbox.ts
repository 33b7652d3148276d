/** A queue with one reader: `next` waits until something was pushed. */
export interface Mailbox<Letter> {
  push(letter: Letter): void;
  next(): Promise<Letter>;
}

export const mailbox = <Letter>(): Mailbox<Letter> => {
  const letters: Letter[] = [];
  let waiting: ((letter: Letter) => void) | null = null;
  return {
    push: (letter) => {
      if (waiting === null) {
        letters.push(letter);
        return;
      }
      const take = waiting;
      waiting = null;
      take(letter);
    },
    next: () => {
      const letter = letters.shift();
      if (letter !== undefined) return Promise.resolve(letter);
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
  };
};
