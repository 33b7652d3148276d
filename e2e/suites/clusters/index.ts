import type { Claims } from '../../harness/claims.ts';
import { createGate } from '../../harness/gate.ts';
import type { Context } from '../../harness/shop.ts';
import type { Suite } from '../../harness/suite.ts';
import { aligned } from '../../harness/table.ts';
import { cases as autoscaling } from './autoscaling.ts';
import { cases as beside } from './beside.ts';
import type { HazardCase, HazardContext, Outcome } from './case.ts';
import { DEFINED_HERE, defineKinds } from './crds.ts';
import { cases as gitops } from './gitops.ts';
import { cases as manifest } from './manifest.ts';
import { cases as pair } from './pair.ts';
import { cases as paths } from './paths.ts';
import { cases as policies } from './policies.ts';
import { abandon } from './surroundings.ts';
import { cases as unread } from './unread.ts';
import { cases as workload } from './workload.ts';

const CASES: readonly HazardCase[] = [
  ...manifest,
  ...autoscaling,
  ...policies,
  ...workload,
  ...gitops,
  ...pair,
  ...paths,
  ...beside,
  ...unread,
];

/** Releases under load at a time. */
const LOADED = { full: 2, short: 4 } as const;
/** Cases beside them: a refusal has no users, and is one short process. */
const UNLOADED = 2;

const HEAD = ['hazard', 'what was in the cluster', 'what we do', 'outcome', 'override tried'];

/** Claims under the name of a case, and how many of them do not hold. */
const claimsOf = (claims: Claims, name: string): { readonly own: Claims; readonly failed: () => number } => {
  let failed = 0;
  const own: Claims = {
    ...claims,
    claim: (what, holds, measured) => {
      if (!holds) failed += 1;
      claims.claim(`${name}: ${what}`, holds, measured);
    },
    note: (what, measured) => claims.note(`${name}: ${what}`, measured),
  };
  return { own, failed: () => failed };
};

const NONE: Outcome = { does: '', outcome: 'did not end', override: '' };

const runCase = async (
  context: Omit<HazardContext, 'namespace'>,
  { hazard, name, what, run }: HazardCase,
): Promise<readonly string[]> => {
  const { own, failed } = claimsOf(context.claims, name);
  const namespace = `clusters-${name}`;
  const outcome = await run({ ...context, claims: own, namespace }).catch((error: unknown) => {
    own.claim('it runs to its end', false, error instanceof Error ? `${error.stack}` : String(error));
    return NONE;
  });
  await abandon(context, namespace);
  const failures = failed() === 0 ? '' : `, ${failed()} CLAIMS FAILED`;
  return [hazard, what, outcome.does, `${outcome.outcome}${failures}`, outcome.override];
};

const chosen = ({ full, only }: Context): readonly HazardCase[] =>
  CASES.filter((one) => (only.length > 0 ? only.includes(one.name) : full || one.onlyFull !== true));

const runAll = async (context: Context, cases: readonly HazardCase[]): Promise<readonly (readonly string[])[]> => {
  const loaded = LOADED[context.full ? 'full' : 'short'];
  const gate = createGate(loaded);
  const waiting = cases.map((one, turn) => ({ one, turn }));
  const rows: (readonly string[])[] = [];
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift())
      rows[next.turn] = await runCase({ ...context, gate }, next.one);
  };
  await Promise.all(Array.from({ length: loaded + UNLOADED }, lane));
  return rows;
};

export const clusters: Suite = {
  name: 'clusters',
  title: 'what is usually in a cluster: each hazard refused before the first write, or handled without harm',
  // Four releases at a time are a load of their own.
  alone: true,
  run: async (context) => {
    const { claims, only } = context;
    const unknown = only.filter((name) => !CASES.some((one) => one.name === name));
    claims.claim('every case asked for is known', unknown.length === 0, unknown.length === 0 ? 'yes' : unknown);
    const names = CASES.map(({ name }) => name);
    claims.claim('every case has a name of its own', new Set(names).size === names.length, `${names.length} cases`);
    await defineKinds(context);
    const rows = await runAll(context, chosen(context));
    claims.print(`\n${aligned([HEAD, ...rows])}\n\n${DEFINED_HERE}\n`);
  },
};
