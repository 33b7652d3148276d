import { type ActionRun, type Inputs, startAction, tailOf } from './action.ts';
import type { Net, Rescue, Wreck } from './crash-case.ts';
import { imageOf } from './objects.ts';
import type { Context } from './shop.ts';

const saidOf = (run: ActionRun): string =>
  `${run.outputs['status'] || 'no status'} ${run.outputs['reason-code'] ?? ''}`;

/** The end of one run of a net: as one of these, or trouble. */
const rescueOf = (run: ActionRun, ends: readonly string[]): Rescue => {
  const isGood = ends.includes(run.outputs['status'] ?? '');
  return { said: saidOf(run), trouble: isGood ? null : tailOf(run) };
};

const runWith = (context: Context, inputs: Inputs): Promise<ActionRun> => startAction(inputs, context.github.url).done;

/** A person, or the next commit, starts the same workflow again. */
export const nextRun: Net = {
  name: 'next run',
  returns: false,
  rescue: async (context, { inputs, place }) => {
    const ends = place.scenario === 'failing' ? ['rolled-back'] : ['promoted', 'unchanged', 'rolled-back'];
    return rescueOf(await runWith(context, inputs), ends);
  },
};

/** The next commit brings another image: what is left of the dead run is brought to its end first. */
export const otherImage: Net = {
  name: 'other image',
  returns: false,
  rescue: async (context, { inputs }) =>
    rescueOf(await runWith(context, { ...inputs, image: imageOf('checkout', '3.0') }), ['promoted']),
};

const sweepInputs = ({ opened }: Wreck): Inputs => ({
  command: 'sweep',
  namespace: opened.shop.namespace,
  kubeconfig: opened.shop.kubeconfig,
});

/** A scheduled workflow looks for rollouts that nobody drives. */
export const sweep: Net = {
  name: 'sweep',
  returns: true,
  rescue: async (context, wreck) => {
    const run = await runWith(context, sweepInputs(wreck));
    return rescueOf(run, ['accepted']);
  },
};

/** Whether the bundle that is tested knows the command: an earlier one says so before it reads anything else. */
export const canSweep = async (context: Context): Promise<boolean> => {
  const run = await runWith(context, { command: 'sweep', namespace: 'default', kubeconfig: context.stack.kubeconfig });
  return run.outputs['status'] === 'accepted' || !run.log.includes('not in this version');
};
