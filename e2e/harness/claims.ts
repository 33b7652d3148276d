/** What a suite asserts, with what was measured: one line each, whether it holds or not. */
export interface Claims {
  claim(what: string, holds: boolean, measured: unknown): void;
  /** A figure that no claim is made about. */
  note(what: string, measured: unknown): void;
}

export interface Ledger {
  of(suite: string): Claims;
  passed(): number;
  failed(): number;
}

const shown = (measured: unknown): string => {
  const text = typeof measured === 'string' ? measured : JSON.stringify(measured);
  return text.length > 1500 ? `${text.slice(0, 1500)} …` : text;
};

export const createLedger = (print: (line: string) => void): Ledger => {
  let passed = 0;
  let failed = 0;
  return {
    of: (suite) => ({
      claim: (what, holds, measured) => {
        if (holds) passed += 1;
        else failed += 1;
        print(`${holds ? 'ok  ' : 'FAIL'}  ${suite}: ${what}: ${shown(measured)}`);
      },
      note: (what, measured) => print(`      ${suite}: ${what}: ${shown(measured)}`),
    }),
    passed: () => passed,
    failed: () => failed,
  };
};
