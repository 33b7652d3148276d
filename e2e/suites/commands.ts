import { type ActionRun, type Inputs, startAction } from '../harness/action.ts';
import { claimNoneLost, claimPromoted, claimRestored, claimStatus, runAction } from '../harness/case.ts';
import {
  during,
  IMAGE,
  NEW,
  type Opened,
  openRelease,
  UNTOUCHED,
  untilBaking,
  weightNow,
} from '../harness/interrupted.ts';
import { at, listAt, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import type { Context } from '../harness/shop.ts';
import { median, spread } from '../harness/statistics.ts';
import type { Suite } from '../harness/suite.ts';
import { percent } from '../harness/traffic.ts';

const STORE = 'canary-rollout-checkout';
const COMMAND = 'canary-rollout.github.io/command';
const WITHIN_MS = 2000;
const PROMOTED = ['HTTPRoute/checkout', 'Service/checkout'] as const;

const stateOf = (object: unknown): unknown => JSON.parse(textAt(object, 'data', 'state') || 'null');

/** Every command that was acted on, with the moment it was seen in the state. */
const watchCommands = async ({ kube }: Context, namespace: string) => {
  const seen: { readonly name: string; readonly at: number }[] = [];
  const stop = await kube.watch(paths.configMaps(namespace), STORE, (object) => {
    const asked = listAt(stateOf(object), 'asked');
    for (const one of asked.slice(seen.length)) seen.push({ name: textAt(one, 'name'), at: Date.now() });
  });
  return { seen, stop };
};

/** As `kubectl annotate` does it. */
const annotate = async ({ kube }: Context, namespace: string, command: string): Promise<number> => {
  const sentAt = Date.now();
  await kube.merge(`${paths.configMaps(namespace)}/${STORE}`, { metadata: { annotations: { [COMMAND]: command } } });
  return sentAt;
};

const asks = (context: Context, { opened, inputs }: Opened, command: string, more: Inputs = {}): Promise<ActionRun> => {
  const { namespace } = opened.shop;
  const { prometheus = '', kubeconfig = '' } = inputs;
  return runAction(context, { command, deployment: 'checkout', namespace, kubeconfig, prometheus, ...more });
};

/** Paused and resumed again and again by annotation alone, then promoted by another job. */
const steered = async (context: Context): Promise<void> => {
  const { claims } = context;
  const release = await openRelease(context, 'steered');
  const { opened, weights } = release;
  const action = startAction({ ...release.inputs, weights: '10, 50', interval: '60s' }, context.github.url);
  await untilBaking(context, action, release);
  const commands = await watchCommands(context, 'steered');
  const times: number[] = [];
  for (let turn = 0; turn < (context.full ? 20 : 4); turn += 1) {
    const sentAt = await annotate(context, 'steered', turn % 2 === 0 ? 'pause' : 'resume');
    await during(context, action, 'the command', async () => commands.seen.length > turn);
    const ms = (commands.seen[turn]?.at ?? Number.NaN) - sentAt;
    times.push(ms);
    claims.figure({ kind: 'latency', what: 'command', ms });
    await during(context, action, 'the acknowledgement', async () => {
      const object = await context.kube.get(`${paths.configMaps('steered')}/${STORE}`);
      return at(object, 'metadata', 'annotations', COMMAND) === undefined;
    });
  }
  commands.stop();
  claims.claim('a command by kubectl is acted on within two seconds', median(times) <= WITHIN_MS, spread(times, 'ms'));
  const promote = await asks(context, release, 'promote');
  claimStatus(context, promote, 'accepted', 'handed-over', 0);
  const run = await action.done;
  weights.stop();
  claimStatus(context, run, 'promoted', 'completed', 0);
  const held = weights.held().map(({ weight }) => Number(weight.toFixed(2)));
  claims.claim('the step that was left is skipped', !held.includes(0.5), held);
  claimNoneLost(context, await opened.traffic.end());
  await claimPromoted(context, opened, 'checkout', IMAGE);
  await claimRestored(context, opened, PROMOTED);
};

const aborted = async (context: Context): Promise<void> => {
  const { claims } = context;
  const release = await openRelease(context, 'aborted');
  const { opened, weights } = release;
  const action = startAction({ ...release.inputs, interval: '60s' }, context.github.url);
  await untilBaking(context, action, release);
  const sentAt = await annotate(context, 'aborted', 'abort');
  const run = await action.done;
  weights.stop();
  claimStatus(context, run, 'aborted', 'aborted-by-user', 1);
  const last = opened.traffic.answers.findLast(({ version }) => version === NEW)?.sentAt ?? Number.NaN;
  const ms = Math.round(last - sentAt);
  claims.figure({ kind: 'latency', what: 'abort to last canary request', ms });
  claims.claim('the last canary request is sent within two seconds', ms <= WITHIN_MS, `${ms} ms`);
  claimNoneLost(context, await opened.traffic.end());
  await claimRestored(context, opened, UNTOUCHED);
};

/** The first job ends at its weight; a later one goes on from there. */
const waiting = async (context: Context): Promise<void> => {
  const { claims } = context;
  const release = await openRelease(context, 'waiting');
  const { opened, inputs, weights } = release;
  const first = await runAction(context, { ...inputs, until: '10' });
  claimStatus(context, first, 'paused', 'paused', 0);
  claims.claim('the weight stays', Math.abs(weightNow(weights) - 0.1) < 0.0005, percent(weightNow(weights)));
  const listed = await asks(context, release, 'status');
  claims.claim('status lists it', listAt(listed.result, 'rollouts').length === 1, at(listed.result, 'rollouts'));
  const from = weights.held().length;
  const resumed = await asks(context, release, 'resume');
  weights.stop();
  claimStatus(context, resumed, 'promoted', 'completed', 0);
  const after = weights
    .held()
    .slice(from)
    .map(({ weight }) => Number(weight.toFixed(2)));
  claims.claim(
    'what was passed is not repeated',
    after.every((weight) => weight !== 0.1),
    after,
  );
  claimNoneLost(context, await opened.traffic.end());
  await claimPromoted(context, opened, 'checkout', IMAGE);
  await claimRestored(context, opened, PROMOTED);
};

/** The user's own deploy step updates stable while all traffic is on the canary. */
const deployed = async (context: Context): Promise<void> => {
  const release = await openRelease(context, 'deployed');
  const { opened, inputs, weights } = release;
  const first = await runAction(context, { ...inputs, weights: '50', until: 'promotion' });
  claimStatus(context, first, 'paused', 'paused', 0);
  context.claims.claim('all traffic is on the canary', weightNow(weights) === 1, percent(weightNow(weights)));
  const path = `${paths.deployments('deployed')}/checkout`;
  const containers = listAt(await context.kube.get(path), 'spec', 'template', 'spec', 'containers');
  const updated = containers.map((container) => ({ ...(container as object), image: IMAGE }));
  await context.kube.merge(path, { spec: { template: { spec: { containers: updated } } } });
  const resumed = await asks(context, release, 'resume');
  weights.stop();
  claimStatus(context, resumed, 'promoted', 'completed', 0);
  claimNoneLost(context, await opened.traffic.end());
  await claimPromoted(context, opened, 'checkout', IMAGE);
  await claimRestored(context, opened, PROMOTED);
};

export const commands: Suite = {
  name: 'commands',
  title: 'pause, resume, promote and abort from outside, and rollouts that wait between two jobs',
  alone: 'full',
  run: async (context) => {
    await Promise.all([steered(context), waiting(context), deployed(context)]);
    await aborted(context);
  },
};
