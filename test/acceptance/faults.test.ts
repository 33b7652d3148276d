import { describe, expect, test } from 'vitest';
import { openSandboxWorld } from '../../e2e/faults/sandbox-world.ts';
import { scheduleOf, scheduleText } from '../../e2e/faults/schedule.ts';
import { dossierOf, problemsOf, runTrial } from '../../e2e/faults/trial.ts';

/** Chosen for what they bring together in little time; `npm run e2e -- schedules --full` draws hundreds. */
const SEEDS = ['1', '3', '11', '34', '44', '53'];

describe.concurrent('random faults', () => {
  test.each(SEEDS.map((seed) => [seed, scheduleText(scheduleOf(seed))]))(
    'never keep a release from a safe end: seed %s: %s',
    async (seed) => {
      const { world, close } = await openSandboxWorld(1);
      try {
        const tried = await runTrial(world, scheduleOf(seed));

        expect(problemsOf(world, tried), dossierOf(tried)).toEqual([]);
      } finally {
        await close();
      }
    },
  );
});
