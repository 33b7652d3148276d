import { type ActionRun, startAction } from '../harness/action.ts';
import { claimNoneLost, claimPromoted, claimRestored, claimStatus, runAction } from '../harness/case.ts';
import { during, IMAGE, type Opened, openRelease, UNTOUCHED, untilBaking, weightNow } from '../harness/interrupted.ts';
import { at, listAt, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import type { Context } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { percent } from '../harness/traffic.ts';

/** Killed while the first weight is held. */
const deadInStep = async (context: Context, release: Opened): Promise<void> => {
  const action = startAction({ ...release.inputs, interval: '60s' }, context.github.url);
  await untilBaking(context, action, release);
  action.kill('SIGKILL');
  await action.done;
};

/** Killed when stable is being replaced. */
const deadLate = async (context: Context, { inputs, opened }: Opened): Promise<void> => {
  const action = startAction({ ...inputs, weights: '50' }, context.github.url);
  const path = `${paths.deployments(opened.shop.namespace)}/checkout`;
  const isUpdated = async (): Promise<boolean> =>
    textAt(await context.kube.get(path), 'spec', 'template', 'spec', 'containers', 0, 'image') === IMAGE;
  await during(context, action, 'the update of stable', isUpdated);
  action.kill('SIGKILL');
  await action.done;
};

const entryOf = (runs: readonly ActionRun[], namespace: string): unknown =>
  runs.flatMap((run) => listAt(run.result, 'rollouts')).find((one) => textAt(one, 'namespace') === namespace);

const claimSwept = (context: Context, runs: readonly ActionRun[], namespace: string, phase: string): void => {
  const entry = entryOf(runs, namespace);
  context.claims.claim(
    `${namespace} is reported as ${phase}`,
    textAt(entry, 'phase') === phase,
    entry ?? runs.map(({ log }) => log.slice(-400)),
  );
};

const NAMES = ['swept-step', 'swept-late', 'swept-kept', 'swept-over'] as const;

const run = async (context: Context): Promise<void> => {
  const { claims } = context;
  const [inStep, late, kept, over] = await Promise.all(NAMES.map((name) => openRelease(context, name)));
  if (!inStep || !late || !kept || !over) throw new Error('four shops were to be opened');
  const paused = await Promise.all([
    runAction(context, { ...kept.inputs, until: '10' }),
    runAction(context, { ...over.inputs, until: '10', hold: '1s' }),
    deadInStep(context, inStep),
    deadLate(context, late),
  ]);
  for (const one of paused.slice(0, 2)) if (one) claimStatus(context, one, 'paused', 'paused', 0);

  const { prometheus = '' } = inStep.inputs;
  const startedAt = Date.now();
  // Beside other suites, whose dead runs are not its own, it sweeps one namespace at a time.
  const runs = await Promise.all(
    (context.full ? ['*'] : NAMES).map((namespace) =>
      runAction(context, { command: 'sweep', namespace, kubeconfig: context.stack.kubeconfig, prometheus }),
    ),
  );
  // Rollouts that other suites left halted make a sweep of all namespaces fail, as they should.
  if (!context.full) for (const swept of runs) claimStatus(context, swept, 'accepted', 'swept', 0);
  const accepted = runs.map(({ outputs }) => outputs['status']);
  claims.claim(
    'the sweep is made',
    accepted.every((status) => status === 'accepted'),
    accepted,
  );
  claims.note('the sweep of four namespaces', `${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  for (const { weights } of [inStep, late, kept, over]) weights.stop();
  const backAt = inStep.weights.held().find(({ from }) => from > startedAt)?.from ?? Number.NaN;
  claims.note('from its start to the way back of the dead one', `${((backAt - startedAt) / 1000).toFixed(1)} s`);

  claimSwept(context, runs, 'swept-step', 'rolled-back');
  claimSwept(context, runs, 'swept-late', 'promoted');
  claimSwept(context, runs, 'swept-kept', 'paused');
  claimSwept(context, runs, 'swept-over', 'rolled-back');
  const stays = weightNow(kept.weights);
  claims.claim('the one that may wait keeps its weight', Math.abs(stays - 0.1) < 0.0005, percent(stays));
  const leftOver = at(entryOf(runs, 'swept-over'), 'note');
  claims.claim('the one whose hold is over is told why', String(leftOver).includes('nobody resumed it'), leftOver);
  for (const release of [inStep, over]) {
    claimNoneLost(context, await release.opened.traffic.end());
    await claimRestored(context, release.opened, UNTOUCHED);
  }
  claimNoneLost(context, await late.opened.traffic.end());
  await claimPromoted(context, late.opened, 'checkout', IMAGE);
  await claimRestored(context, late.opened, ['HTTPRoute/checkout', 'Service/checkout']);
  claimNoneLost(context, await kept.opened.traffic.end());
};

export const sweep: Suite = {
  name: 'sweep',
  title: 'one sweep of all namespaces makes safe what nobody drives, and leaves alone what may wait',
  alone: 'full',
  run,
};
