/** What was measured beside the claims, for the table at the end. */
export type Figure =
  | { readonly kind: 'requests'; readonly sent: number; readonly lost: number }
  /** Observed minus asked, 0 to 1, without sign. */
  | { readonly kind: 'share-error'; readonly value: number }
  | { readonly kind: 'latency'; readonly what: string; readonly ms: number };

/** What a suite asserts, with what was measured: one line each, whether it holds or not. */
export interface Claims {
  claim(what: string, holds: boolean, measured: unknown): void;
  /** A figure that no claim is made about. */
  note(what: string, measured: unknown): void;
  /** Text of several lines, as it is. */
  print(text: string): void;
  /** Prints nothing now. */
  figure(figure: Figure): void;
}

/** One suite's row of the table. */
export interface Account {
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  readonly figures: readonly Figure[];
}

export interface Ledger {
  of(suite: string): Claims;
  took(suite: string, seconds: number): void;
  passed(): number;
  failed(): number;
  accounts(): readonly Account[];
}

interface Page {
  passed: number;
  failed: number;
  seconds: number;
  readonly figures: Figure[];
}

const shown = (measured: unknown): string => {
  const text = typeof measured === 'string' ? measured : JSON.stringify(measured);
  return text.length > 1500 ? `${text.slice(0, 1500)} …` : text;
};

export const createLedger = (print: (line: string) => void): Ledger => {
  const pages = new Map<string, Page>();
  const pageOf = (suite: string): Page => {
    const page = pages.get(suite) ?? { passed: 0, failed: 0, seconds: 0, figures: [] };
    pages.set(suite, page);
    return page;
  };
  const sum = (count: (page: Page) => number): number =>
    [...pages.values()].reduce((total, page) => total + count(page), 0);
  return {
    of: (suite) => ({
      claim: (what, holds, measured) => {
        const page = pageOf(suite);
        if (holds) page.passed += 1;
        else page.failed += 1;
        print(`${holds ? 'ok  ' : 'FAIL'}  ${suite}: ${what}: ${shown(measured)}`);
      },
      note: (what, measured) => print(`      ${suite}: ${what}: ${shown(measured)}`),
      print,
      figure: (figure) => void pageOf(suite).figures.push(figure),
    }),
    took: (suite, seconds) => {
      pageOf(suite).seconds = seconds;
      print(`      ${suite}: took ${seconds.toFixed(1)} s`);
    },
    passed: () => sum((page) => page.passed),
    failed: () => sum((page) => page.failed),
    accounts: () => [...pages].map(([suite, page]) => ({ suite, ...page })),
  };
};
