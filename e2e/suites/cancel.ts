import { type Patience, startAction, tailOf } from '../harness/action.ts';
import { claimNoneLost, claimPromoted, claimRestored, claimStatus } from '../harness/case.ts';
import { during, IMAGE, NEW, openRelease, post, UNTOUCHED, untilBaking, weightNow } from '../harness/interrupted.ts';
import { textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import type { Context } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { fits, percent, shareOf } from '../harness/traffic.ts';

/** Enough for the way back; the rest is left to the post step. */
const ALMOST_NONE: Patience = [1000, 500];

/** ms from the cancel to the last request that reached the canary. */
const forceCancelled = async (context: Context): Promise<number> => {
  const { claims } = context;
  const release = await openRelease(context, 'force-cancelled');
  const { opened, weights } = release;
  const inputs = { ...release.inputs, interval: '60s' };
  const action = startAction(inputs, context.github.url);
  await untilBaking(context, action, release);
  const cancelledAt = Date.now();
  const main = await action.cancel(ALMOST_NONE);
  const seconds = ((main.endedAt - cancelledAt) / 1000).toFixed(1);
  claims.note('main ended after the cancel', `${seconds} s, exit ${main.exitCode}`);
  const done = await post(context, inputs, main);
  weights.stop();
  const report = await opened.traffic.end();
  const last = opened.traffic.answers.findLast(({ version }) => version === NEW)?.sentAt ?? Number.NaN;

  const isKilled = main.outputs['status'] === undefined;
  claims.claim('main is killed before it could finish', isKilled, isKilled ? 'no status' : main.outputs['status']);
  claimStatus(context, done, 'aborted', 'cancelled', 1);
  claims.claim('users are back on stable', weightNow(weights) === 0, percent(weightNow(weights)));
  claimNoneLost(context, report);
  await claimRestored(context, opened, UNTOUCHED);
  return Math.round(last - cancelledAt);
};

/** The runner's machine is gone: no signal, no post step. */
const killed = async (context: Context): Promise<void> => {
  const { claims } = context;
  const release = await openRelease(context, 'killed');
  const { opened, inputs, weights } = release;
  const dead = startAction({ ...inputs, interval: '60s' }, context.github.url);
  await untilBaking(context, dead, release);
  dead.kill('SIGKILL');
  await dead.done;
  const killedAt = Date.now();
  const next = startAction({ ...inputs, 'on-expired': 'rollback' }, context.github.url);
  const backAt = async (): Promise<boolean> => weightNow(weights) === 0;
  await during(context, next, 'the way back', backAt);
  const returnedAt = weights.held().at(-1)?.from ?? 0;
  const run = await next.done;
  weights.stop();

  const share = shareOf(opened.traffic.answers, NEW, killedAt, returnedAt - 1000);
  claims.claim('the canary keeps its 10 % meanwhile', fits(share, 0.1), `${percent(share.share)} of ${share.requests}`);
  const reached = weights.held().map(({ weight }) => Number(weight.toFixed(2)));
  const first = reached.slice(0, reached.indexOf(0.1) + 3);
  claims.claim('the dead rollout is rolled back before the next begins', first.join() === '0,0.1,0,0.1', reached);
  claims.note('from the kill to the way back', `${((returnedAt - killedAt) / 1000).toFixed(1)} s`);
  claimStatus(context, run, 'promoted', 'completed', 0);
  claimNoneLost(context, await opened.traffic.end());
  await claimPromoted(context, opened, 'checkout', IMAGE);
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Service/checkout']);
};

/** Stable is being replaced: nothing but the canary is known to be good. */
const late = async (context: Context): Promise<void> => {
  const { claims, kube } = context;
  const { opened, inputs, weights } = await openRelease(context, 'late');
  const action = startAction({ ...inputs, weights: '50' }, context.github.url);
  const path = `${paths.deployments('late')}/checkout`;
  const isUpdated = async (): Promise<boolean> =>
    textAt(await kube.get(path), 'spec', 'template', 'spec', 'containers', 0, 'image') === IMAGE;
  await during(context, action, 'the update of stable', isUpdated);
  const main = await action.cancel();
  claimStatus(context, main, 'halted', 'cancelled', 1);
  const after = await post(context, inputs, main);
  const quiet = after.exitCode === 0 && after.outputs['status'] === undefined;
  claims.claim('its post step leaves it so', quiet, quiet ? 'exit 0' : tailOf(after));

  const from = Date.now();
  await kube.until(
    'two hundred answers',
    async () => shareOf(opened.traffic.answers, NEW, from, from + 5000).requests > 200,
  );
  weights.stop();
  claims.claim('the route sends everything to the canary', weightNow(weights) === 1, percent(weightNow(weights)));
  const { share, requests } = shareOf(opened.traffic.answers, NEW, from, from + 5000);
  claims.claim('the new version answers everything', share === 1, `${percent(share)} of ${requests}`);
  const advice = /\*\*What to do\.\*\* (.*)/.exec(main.summary)?.[1];
  claims.claim('a person is told what to do', advice?.includes('canary') ?? false, advice ?? main.summary);
  claimNoneLost(context, await opened.traffic.end());
};

export const cancel: Suite = {
  name: 'cancel',
  title: 'cancelled, killed, or cancelled too late: users lose nothing, and the next run cleans up',
  alone: false,
  run: async (context) => {
    await Promise.all([
      killed(context),
      late(context),
      forceCancelled(context).then((ms) =>
        context.claims.note('from the cancel to the last canary request', `${ms} ms`),
      ),
    ]);
  },
};
