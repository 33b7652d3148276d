import { type ActionRun, type Inputs, type RunningAction, startAction, tailOf } from './action.ts';
import { type Case, openCase } from './case.ts';
import { type Watched, watchWeights } from './journal.ts';
import { deployment, httpRoute, imageOf, service } from './objects.ts';
import { type Context, releaseInputs } from './shop.ts';

export const NEW = '2.0';
export const IMAGE = imageOf('checkout', NEW);
export const UNTOUCHED = ['HTTPRoute/checkout', 'Deployment/checkout', 'Service/checkout'] as const;

/** A shop with a route that is watched, and the inputs of a release. */
export interface Opened {
  readonly opened: Case;
  readonly inputs: Inputs;
  readonly weights: Watched;
}

export const openRelease = async (context: Context, namespace: string, rps = 100): Promise<Opened> => {
  const route = httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  const objects = [deployment({ namespace, name: 'checkout', version: '1.0' }), service(namespace, 'checkout'), route];
  const opened = await openCase(context, { namespace, objects, rps });
  const weights = await watchWeights(context.kube, route, 'checkout-canary');
  return { opened, inputs: releaseInputs(opened.shop, IMAGE, 'checkout'), weights };
};

/** Resolves when `check` holds, and rejects when the run ends before. */
export const during = async (
  context: Context,
  action: RunningAction,
  what: string,
  check: () => Promise<boolean>,
): Promise<void> => {
  const ended = action.done.then((run) => Promise.reject(new Error(`it ended before ${what}: ${tailOf(run)}`)));
  ended.catch(() => {}); // Later its end is expected.
  await Promise.race([ended, context.kube.until(what, check)]);
};

export const weightNow = (weights: Watched): number => weights.held().at(-1)?.weight ?? 0;

/** Resolves in the middle of the first step, with canary traffic in the last second. */
export const untilBaking = async (
  context: Context,
  action: RunningAction,
  { opened, weights }: Opened,
): Promise<void> =>
  during(context, action, 'the first step', async () => {
    const { weight, from } = weights.held().at(-1) ?? { weight: 0, from: 0 };
    const last = opened.traffic.answers.findLast(({ version }) => version === NEW)?.sentAt ?? 0;
    return weight > 0 && Date.now() - from > 4000 && Date.now() - last < 1000;
  });

/** The post step, with what main left for it. */
export const post = async (context: Context, inputs: Inputs, main: ActionRun): Promise<ActionRun> => {
  const run = await startAction(inputs, context.github.url, main.state).done;
  const wanted = Object.keys(main.state).length > 0;
  context.claims.claim('main left its post step what it needs', wanted, Object.keys(main.state));
  return run;
};
