import type { WatchdogSpec } from '../core/spec.ts';
import type { Ms } from '../core/units.ts';
import { durationOf, missing, nameOf, type Reading, scalarOf } from './fields.ts';
import { imageProblem } from './images.ts';
import { quote } from './words.ts';

const AFTER_DEFAULT_MS: Ms = 60_000;
/**
 * The lease is renewed every 10 s and lasts 30 s: who acts sooner returns the traffic of a run that still holds the
 * lock and merely had one or two renewals fail.
 */
const SHORTEST_AFTER_MS: Ms = 30_000;
const DIGEST = /@sha256:[0-9a-f]{64}$/;

/** What runs in the cluster with the user's rights must be what the user looked at: a tag can be moved. */
const pinProblem = (image: string): string | null =>
  imageProblem(image) ??
  (DIGEST.test(image)
    ? null
    : `${quote(image)} is not pinned by a digest; write it like \`${(image.split('@')[0] ?? '').slice(0, 60)}@sha256:…\`, with its 64 digits`);

/** null: none is asked for, or it is reported. */
export const readWatchdog = (reading: Reading): WatchdogSpec | null => {
  const imageTree = scalarOf(reading, 'watchdog-image');
  const serviceAccount = nameOf(reading, 'watchdog-service-account', 'subdomain');
  const afterMs = durationOf(reading, 'watchdog-after', AFTER_DEFAULT_MS, SHORTEST_AFTER_MS);
  const image = imageTree?.text.trim() ?? null;
  if (imageTree === null || image === null) {
    reportLonely(reading);
    return null;
  }
  const wrong = pinProblem(image);
  if (wrong !== null) reading.report(imageTree.place, wrong);
  if (reading.given('watchdog-service-account') === null)
    reading.report(
      missing('watchdog-service-account'),
      '`watchdog-service-account` is missing: the Job of `watchdog-image` needs a ServiceAccount of yours, with the Role that `command: plan` prints',
    );
  return serviceAccount === null ? null : { image, serviceAccount, afterMs };
};

const reportLonely = (reading: Reading): void => {
  for (const name of ['watchdog-service-account', 'watchdog-after']) {
    const given = reading.given(name);
    if (given !== null) reading.report(given.tree.place, 'there is no `watchdog-image` that this would be for');
  }
};
