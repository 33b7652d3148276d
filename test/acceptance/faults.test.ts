import { describe, expect, test } from 'vitest';
import { CASES, nameOf, runCase, wrongIn } from '../../e2e/faults/cases.ts';
import { openSandboxWorld } from '../../e2e/faults/sandbox-world.ts';
import { scheduleOf, scheduleText } from '../../e2e/faults/schedule.ts';
import { dossierOf, problemsOf, runTrial } from '../../e2e/faults/trial.ts';

/** Chosen for what they bring together in little time; `npm run e2e -- schedules --full` draws hundreds. */
const SEEDS = ['1', '11', '34', '53'];

/** One for each way in which a fault decides the outcome; `npm run e2e -- faults --full` tries them all. */
const CELLS = ['api 422 while committed', 'metrics missing arm while progressing'];

describe.concurrent('a server in trouble', () => {
  test.each(CASES.filter((one) => CELLS.includes(nameOf(one))).map((one) => [nameOf(one), one] as const))(
    'has the outcome that is promised: %s',
    async (_name, one) => {
      const { world, close } = await openSandboxWorld(1);
      try {
        const tried = await runCase(world, one, { gitHubIsDead: false });

        expect(wrongIn(world, one, tried), dossierOf(tried)).toEqual([]);
      } finally {
        await close();
      }
    },
  );
});

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
