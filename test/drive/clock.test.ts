import { expect, test } from 'vitest';
import { clockOf } from '../../src/drive/clock.ts';

test('time goes on when the wall clock is put back by minutes', async () => {
  let steady = 1_000_000;
  let wall = 1_000_000;
  const clock = clockOf(
    () => wall,
    () => steady,
  );
  wall -= 300_000;
  steady += 5_000;
  expect(clock.now()).toBe(1_005_000);
  await clock.sleepUntil(1_004_000, AbortSignal.timeout(1_000));
});

test('time follows a wall clock that was put forward, as after a sleep of the machine', () => {
  const clock = clockOf(
    () => 2_000_000,
    () => 1_000_000.7,
  );
  expect(clock.now()).toBe(2_000_000);
});
