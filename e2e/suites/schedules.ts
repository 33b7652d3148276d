import { inLanes, type OpenWorld } from '../faults/lanes.ts';
import { openSandboxWorld } from '../faults/sandbox-world.ts';
import { scheduleOf, scheduleText } from '../faults/schedule.ts';
import { openStackWorld } from '../faults/stack-world.ts';
import { cellOf } from '../faults/table.ts';
import { dossierOf, problemsOf, runTrial } from '../faults/trial.ts';
import type { World } from '../faults/world.ts';
import type { Context } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

/** `stack 7-3` or `sandbox 7-3`: this schedule alone. */
const ONLY = process.env['CANARY_SCHEDULE'] ?? '';

interface Place {
  readonly name: 'stack' | 'sandbox';
  readonly full: number;
  readonly short: number;
  /** Its schedules are not those of the other place. */
  readonly first: number;
  /** Side by side: they wait more than they work. */
  readonly lanes: number;
  open(context: Context, name: string): Promise<OpenWorld>;
}

const PLACES: readonly Place[] = [
  {
    name: 'stack',
    full: 24,
    short: 2,
    first: 1,
    lanes: 8,
    open: (context, name) => openStackWorld(context, `schedule-${name}`),
  },
  { name: 'sandbox', full: 200, short: 4, first: 101, lanes: 10, open: () => openSandboxWorld(1) },
];

const seedsOf = ({ name, full, short, first }: Place, context: Context): readonly string[] => {
  if (ONLY !== '') return ONLY.startsWith(`${name} `) ? [ONLY.slice(name.length + 1)] : [];
  return Array.from({ length: context.full ? full : short }, (_, index) => `${context.seed}-${first + index}`);
};

const runOne = async (
  context: Context,
  place: Place,
  world: World,
  seed: string,
): Promise<{ readonly isClean: boolean }> => {
  const { claims } = context;
  const schedule = scheduleOf(seed);
  // Stable may run this version from the schedule before.
  const trial = { ...schedule, tag: `${schedule.tag}-${seed}` };
  const tried = await runTrial(world, trial);
  const wrong = problemsOf(world, tried);
  const text = `${cellOf(tried)}: ${scheduleText(schedule)}`;
  claims.figure({ kind: 'requests', sent: tried.sent, lost: tried.lost });
  claims.claim(`${place.name} ${seed}`, wrong.length === 0, wrong.length === 0 ? text : [text, ...wrong]);
  if (wrong.length === 0) return { isClean: true };
  console.log(dossierOf(tried));
  console.log(`      this one alone: CANARY_SCHEDULE="${place.name} ${seed}" npm run e2e -- schedules`);
  return { isClean: false };
};

export const schedules: Suite = {
  name: 'schedules',
  title: 'random faults, cancels and kills: every rollout ends, on a healthy version, with nothing left behind',
  alone: true,
  run: async (context) => {
    for (const place of PLACES) {
      const seeds = seedsOf(place, context);
      const started = Date.now();
      await inLanes(
        seeds,
        place.lanes,
        (name) => place.open(context, name),
        (world, seed) => runOne(context, place, world, seed),
      );
      if (seeds.length > 0)
        context.claims.note(
          `${seeds.length} schedules on the ${place.name}`,
          `${Math.round((Date.now() - started) / 1000)} s`,
        );
    }
  },
};
