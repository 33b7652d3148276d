import { CASES, type FaultCase, nameOf, runCase, wrongIn } from '../faults/cases.ts';
import { inLanes } from '../faults/lanes.ts';
import type { Moment } from '../faults/moments.ts';
import { openStackWorld } from '../faults/stack-world.ts';
import { cellOf, faultTable, type Row } from '../faults/table.ts';
import { dossierOf, type Tried } from '../faults/trial.ts';
import type { Context } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { randomOf } from '../stack/random.ts';

/** Words of a case's name, `api 422 while` or all of it: these cases alone. */
const ONLY = process.env['CANARY_FAULT'] ?? '';

/** The same seed chooses the same; a fault is met at another moment with another seed. */
const choose = (seed: string, count: number): readonly FaultCase[] => {
  const random = randomOf('faults', seed);
  return CASES.map((one) => ({ one, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ one }) => one);
};

const rowsOf = (tried: ReadonlyMap<FaultCase, Tried>): readonly Row[] => {
  const rows = new Map<string, Map<Moment, string>>();
  for (const one of CASES) {
    const result = tried.get(one);
    if (result === undefined) continue;
    const name = `${one.side} ${one.fault.name}`;
    const cells = rows.get(name) ?? new Map<Moment, string>();
    rows.set(name, cells.set(one.moment, cellOf(result)));
  }
  return [...rows].map(([name, cells]) => ({ name, cells }));
};

/** More of them starve two cores, and then nothing answers in time. */
const LANES = { full: 9, short: 6 } as const;
const SHORT_CASES = 6;

const casesOf = ({ seed, full }: Context): readonly FaultCase[] => {
  if (ONLY !== '') return CASES.filter((one) => nameOf(one).includes(ONLY));
  return full ? CASES : choose(seed, SHORT_CASES);
};

const tell = (one: FaultCase, result: Tried): void => {
  console.log(dossierOf(result));
  console.log(`      this one alone: CANARY_FAULT="${nameOf(one)}" npm run e2e -- faults`);
};

export const faults: Suite = {
  name: 'faults',
  title: 'an API server or a metrics store in trouble, at each moment of a rollout: users lose nothing',
  alone: true,
  run: async (context) => {
    const { claims, full, seed } = context;
    const tried = new Map<FaultCase, Tried>();
    await inLanes(
      casesOf(context),
      full ? LANES.full : LANES.short,
      (name) => openStackWorld(context, `faults-${name}`),
      async (world, one) => {
        // GitHub is no part of what is tried here; it takes turns at being dead.
        const gitHubIsDead = randomOf('faults', seed, one.number)() < 0.2;
        const result = await runCase(world, one, { gitHubIsDead });
        tried.set(one, result);
        const wrong = wrongIn(world, one, result);
        claims.figure({ kind: 'requests', sent: result.sent, lost: result.lost });
        claims.claim(nameOf(one), wrong.length === 0, wrong.length === 0 ? cellOf(result) : wrong);
        if (wrong.length > 0) tell(one, result);
        return { isClean: wrong.length === 0 };
      },
    );
    console.log(`\n${faultTable(rowsOf(tried))}\n`);
  },
};
