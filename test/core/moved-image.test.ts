import { describe, expect, test } from 'vitest';
import { movedImage, withUncompared } from '../../src/core/moved-image.ts';
import type { ArmSeen, Observation } from '../../src/core/observation.ts';
import { anObservation, aRollout } from '../fakes/rollout.ts';

type Ran = Readonly<Record<string, string | null>>;

/** An arm that runs these images, each where it says. */
const arm = (ran: Ran): ArmSeen => {
  const known = Object.entries(ran).flatMap(([id, platforms]) =>
    (platforms?.split(' ') ?? []).map((platform) => ({ id, platform })),
  );
  const base = anObservation().stable;
  if (base === null) throw new Error('the fake has no stable');
  return { ...base, imageIds: Object.keys(ran), ...(known.length === 0 ? {} : { platforms: known }) };
};

const look = (stable: Ran, canary: Ran): Observation => anObservation({ stable: arm(stable), canary: arm(canary) });

describe('the image of the updated stable', () => {
  test.each([
    ['is the same', { one: null }, { one: null }],
    ['is the same on several platforms', { one: 'amd64', two: 'arm64' }, { one: 'amd64', two: 'arm64' }],
    ['has one name for all platforms', { one: 'amd64 arm64' }, { one: 'amd64' }],
    ['ran where the canary never did', { one: 'amd64', two: 'arm64' }, { one: 'amd64' }],
    ['is not told', {}, { one: null }],
    ['cannot be compared, as the canary’s is not told', { one: null }, {}],
  ])('has not moved where it %s', (_, stable, canary) => {
    expect(movedImage(look(stable, canary))).toBeNull();
  });

  test.each([
    ['no platform is known', { two: null }, { one: null }],
    ['it ran on the canary’s platform', { one: 'amd64', two: 'amd64' }, { one: 'amd64' }],
    ['it ran on the canary’s platform among others', { two: 'amd64 arm64' }, { one: 'arm64' }],
    ['its own platform is not known', { two: null }, { one: 'amd64' }],
    ['some of the canary’s may have run anywhere', { two: 'arm64' }, { one: 'amd64', three: null }],
  ])('has moved where it is another and %s', (_, stable, canary) => {
    expect(movedImage(look(stable, canary))).toBe('two');
  });
});

describe('an image on a platform that the canary never ran on', () => {
  const stage = { ...aRollout().stage, name: 'stable-ready' } as const;
  const ready = (stable: Ran, canary: Ran) => aRollout({ stage, observation: look(stable, canary), warnings: [] });

  test('is told once when stable is ready', () => {
    const told = withUncompared(ready({ one: 'amd64', two: 'arm64' }, { one: 'amd64' }));

    expect(told.warnings).toEqual(['not compared, because the canary did not run on this platform: two (arm64)']);
    expect(withUncompared(told)).toBe(told);
  });

  test('is told at no other stage, and not of images that were compared', () => {
    const bake = {
      ...ready({ one: 'amd64', two: 'arm64' }, { one: 'amd64' }),
      stage: { ...stage, name: 'bake' },
    } as const;
    const compared = ready({ one: 'amd64' }, { one: 'amd64' });

    expect(withUncompared(bake)).toBe(bake);
    expect(withUncompared(compared)).toBe(compared);
  });
});
