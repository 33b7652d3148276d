import { median } from '../../e2e/harness/statistics.ts';
import { aligned } from '../../e2e/harness/table.ts';
import type { Contender, Judged } from './contender.ts';
import type { Seen } from './users.ts';

/** What is released. */
export interface Kind {
  readonly key: 'fifty' | 'five' | 'good';
  readonly what: string;
  /** The part of the image's tag that makes it fail. */
  readonly tag: string;
}

export const KINDS: readonly Kind[] = [
  { key: 'fifty', what: 'fails 50 % more', tag: '-bad50' },
  { key: 'five', what: 'fails 5 % more', tag: '-bad5' },
  { key: 'good', what: 'as good as stable', tag: '' },
];

/** One release by one contender. */
export interface Result extends Judged, Seen {
  readonly contender: Contender;
  readonly kind: Kind;
  /** Requests that no pod answered while it went on. */
  readonly lost: number;
}

/** Of users, whoever's fault it was; what stable fails by itself is not counted. */
export const harmOf = ({ failed, lost }: Result): number => failed + lost;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const range = (values: readonly number[], unit: string, digits: number): string =>
  values.length === 0
    ? ''
    : `${mean(values).toFixed(digits)}${unit} (median ${median(values).toFixed(digits)}, ` +
      `${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;

const VERDICTS = ['rolled-back', 'promoted', 'no verdict'] as const;

const countsOf = (results: readonly Result[]): string =>
  VERDICTS.map((verdict) => ({ verdict, count: results.filter((result) => result.verdict === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${verdict}`)
    .join(', ');

export const lineOf = (result: Result): string =>
  [
    `${result.contender.name}: ${result.verdict}`,
    `${result.failed} of ${result.answers} canary answers failed`,
    `${result.lost} lost`,
    `${(result.exposedMs / 1000).toFixed(1)} s`,
    result.reason,
  ].join(' | ');

const HEAD = [
  'the release',
  'judged by',
  'verdicts',
  'failed user requests, mean',
  'first to last canary answer, mean',
  'answered by no pod, all runs',
];

const rowOf = (kind: Kind, own: readonly Result[]): readonly string[] => {
  const back = own.filter(({ verdict }) => verdict === 'rolled-back');
  const seconds = back.map(({ exposedMs }) => exposedMs / 1000);
  const harm = kind.key === 'good' ? [] : own.map(harmOf);
  const lost = own.reduce((sum, result) => sum + result.lost, 0);
  const name = own[0]?.contender.name ?? '';
  return [kind.what, name, countsOf(own), range(harm, '', 1), range(seconds, ' s', 1), `${lost}`];
};

/** One row for each kind of release and contender that has a result. */
export const tableOf = (results: readonly Result[]): string => {
  const contenders = [...new Set(results.map(({ contender }) => contender))];
  const rows = KINDS.flatMap((kind) =>
    contenders
      .map((contender) => results.filter((result) => result.kind === kind && result.contender === contender))
      .filter((own) => own.length > 0)
      .map((own) => rowOf(kind, own)),
  );
  return aligned([HEAD, ...rows]);
};

const of = (results: readonly Result[], kind: Kind['key'], contender: string): readonly Result[] =>
  results.filter((result) => result.kind.key === kind && result.contender.key === contender);

/** Of those that were rolled back: one that was not even started harms nobody. NaN when none was. */
const meanHarm = (results: readonly Result[]): number =>
  mean(results.filter(({ verdict }) => verdict === 'rolled-back').map(harmOf));

const goal = (what: string, measured: number, limit: number): string => {
  if (Number.isNaN(measured) || Number.isNaN(limit)) return `not measured  ${what}`;
  return `${measured <= limit ? 'met   ' : 'MISSED'}  ${what}: ${measured.toFixed(1)}, at most ${limit.toFixed(1)}`;
};

const BY_OURS = ['ours-store', 'ours-scrape'] as const;

/** Each goal with what was measured and its limit. */
export const goalsOf = (results: readonly Result[]): readonly string[] => {
  const flagger = meanHarm(of(results, 'fifty', 'flagger')) / 10;
  const argo = meanHarm(of(results, 'fifty', 'argo-2')) / 3;
  return BY_OURS.flatMap((key) => {
    const bad = [...of(results, 'fifty', key), ...of(results, 'five', key)];
    const good = of(results, 'good', key);
    const name = [...bad, ...good][0]?.contender.name ?? key;
    const harm = meanHarm(of(results, 'fifty', key));
    const kept = bad.filter(({ verdict }) => verdict !== 'rolled-back').length;
    const refused = good.filter(({ verdict }) => verdict !== 'promoted').length;
    return [
      goal(`${name}: failed requests at 50 %, 1/10 of Flagger's`, harm, flagger),
      goal(`${name}: failed requests at 50 %, 1/3 of Argo's at 2 s`, harm, argo),
      goal(`${name}: bad releases that were not rolled back, of ${bad.length}`, bad.length ? kept : Number.NaN, 0),
      goal(`${name}: good releases that were not promoted, of ${good.length}`, good.length ? refused : Number.NaN, 0),
    ];
  });
};
