import fs from 'node:fs';
import { type ActionRun, BUNDLE } from '../harness/action.ts';
import { type AuditEvent, auditOf } from '../harness/audit.ts';
import { claimNoneLost, claimRestored, claimStatus, openCase, runAction, runWatched } from '../harness/case.ts';
import type { Held } from '../harness/journal.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import { median, spread } from '../harness/statistics.ts';
import type { Suite } from '../harness/suite.ts';

const NAMESPACE = 'measures';
const WEIGHTS = [0.05, 0.1, 0.2, 0.5, 0.8] as const;
const STEP_MS = 10_000;
const BUDGET_BYTES = 7 * 2 ** 20;

const perMinute = (events: readonly AuditEvent[], spans: readonly Held[]): number => {
  const inside = events.filter(({ at }) => spans.some(({ from, to }) => at >= from && at < to));
  const minutes = spans.reduce((sum, { from, to }) => sum + to - from, 0) / 60_000;
  return Math.round(inside.length / minutes);
};

/** The middle of each step: from a second after its weight was written to two seconds before the next is. */
const baking = (held: readonly Held[]): readonly Held[] =>
  WEIGHTS.flatMap((weight) => held.find((span) => Math.abs(span.weight - weight) < 0.0005) ?? []).map((span) => ({
    ...span,
    from: span.from + 1000,
    to: span.to - 2000,
  }));

const claimFigures = (context: Context, user: string, held: readonly Held[], run: ActionRun): void => {
  const { claims, stack } = context;
  const events = auditOf(stack.auditLog, user);
  const spans = baking(held);
  const own = perMinute(
    events.filter(({ subresource }) => subresource !== 'proxy'),
    spans,
  );
  const proxied = perMinute(
    events.filter(({ subresource }) => subresource === 'proxy'),
    spans,
  );
  const all = spans.length === WEIGHTS.length;
  claims.claim('at most 60 API requests a minute while a step bakes', all && own <= 60, `${own} a minute`);
  claims.note('proxied metric reads', `${proxied} a minute`);
  const first = held.find(({ weight }) => weight > 0)?.from ?? Number.NaN;
  const last = held.find(({ weight }) => Math.abs(weight - 0.8) < 0.0005)?.to ?? Number.NaN;
  const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  claims.note('until the first weight is written', inSeconds(first - run.startedAt));
  claims.note('from the first weight to the end of the last step', inSeconds(last - first));
  claims.note('from there to the end', inSeconds(run.endedAt - last));
  const rolloutMs = run.endedAt - run.startedAt;
  const beyond = (rolloutMs - WEIGHTS.length * STEP_MS) / 1000;
  claims.claim(
    'at most 15 s beyond five steps of 10 s, or twice that here',
    beyond <= 30,
    `${beyond.toFixed(1)} s beyond`,
  );
};

export const measures: Suite = {
  name: 'measures',
  title: 'start time, API requests, time beyond the steps, size of the bundle',
  alone: true,
  run: async (context) => {
    const { claims } = context;
    const route = httpRoute(NAMESPACE, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
    const app = deployment({ namespace: NAMESPACE, name: 'checkout', version: '1.0' });
    const objects = [app, service(NAMESPACE, 'checkout'), route];
    const { size } = fs.statSync(BUNDLE);
    claims.claim('the bundle has at most 7 MB', size <= BUDGET_BYTES, `${(size / 2 ** 20).toFixed(2)} MB`);

    const opened = await openCase(context, { namespace: NAMESPACE, objects, rps: 200 });
    const defaults = releaseInputs(opened.shop, imageOf('checkout', '2.0'), 'checkout');
    // The default drain: what a user waits who does not set it.
    const inputs = { ...defaults, drain: '30s', weights: '5, 10, 20, 50, 80', interval: '10s' };
    const starts: number[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      const { firstLineMs } = await runAction(context, { ...inputs, command: 'plan' });
      starts.push(firstLineMs);
      claims.figure({ kind: 'latency', what: 'first line', ms: firstLineMs });
    }
    claims.claim('the first line comes within two seconds', median(starts) <= 2000, spread(starts, 'ms'));

    const { run, held } = await runWatched(context, inputs, route, 'checkout-canary');
    claimStatus(context, run, 'promoted', 'completed', 0);
    claimFigures(context, opened.shop.user, held, run);
    claimNoneLost(context, await opened.traffic.end());
    await claimRestored(context, opened, ['HTTPRoute/checkout']);
  },
};
