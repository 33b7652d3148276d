import { type ActionRun, startAction, tailOf } from '../harness/action.ts';
import { type AuditEvent, auditOf, writesOf } from '../harness/audit.ts';
import { claimNoneLost, claimPromoted, claimRestored, claimStatus } from '../harness/case.ts';
import type { CrashPoint } from '../harness/crash-proxy.ts';
import { IMAGE, openRelease } from '../harness/interrupted.ts';
import { at, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { type Blow, GOOD, inScene, type Lived, live, quickInputs, type Scene } from '../harness/scene.ts';
import type { Context } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const AT_ONCE = 20;
/** Twenty processes that start at once keep the machine busy. */
const PATIENCE_MS = 240_000;
const RUNS = 'https://github.example/acme/checkout/actions/runs/';

/** Who wrote what, in order: only what the API server accepted. */
const acceptedBy = ({ stack }: Context, user: string): readonly AuditEvent[] =>
  writesOf(auditOf(stack.auditLog, user)).filter(({ status }) => status < 300);

const writersOf = (events: readonly AuditEvent[]): readonly string[] => [
  ...new Set(events.map(({ userAgent }) => userAgent)),
];

/** Names the run that holds the lock, since when, and where its rollout stands. */
const explains = (run: ActionRun, winner: string): boolean => {
  const reason = run.outputs['reason'] ?? '';
  const where = /(preparing|step \d+ of \d+|promoting)/.test(reason);
  return reason.includes(winner) && /since \d{4}-\d\d-\d\dT/.test(reason) && where;
};

/** Twenty workflow runs of one push. */
const many = async (context: Context): Promise<void> => {
  const { claims, github } = context;
  const { opened, inputs, weights } = await openRelease(context, 'race');
  const started = Array.from({ length: AT_ONCE }, (_, index) =>
    startAction({ ...inputs, interval: '15s' }, github.url, {}, { GITHUB_RUN_ID: `${1000 + index}` }),
  );
  const runs = await Promise.all(started.map(({ done }) => done));
  weights.stop();

  const statuses = runs.map(({ outputs }) => `${outputs['status']} ${outputs['reason-code']}`);
  const winner = statuses.indexOf('promoted completed');
  const refused = runs.filter(({ outputs }) => outputs['reason-code'] === 'lock-held');
  const isOne = winner >= 0 && refused.length === AT_ONCE - 1 && refused.every(({ exitCode }) => exitCode === 1);
  claims.claim(`of ${AT_ONCE} runs one releases, the others are refused`, isOne, statuses);
  const silent = refused.filter((run) => !explains(run, `${RUNS}${1000 + winner}`));
  const example = (silent[0] ?? refused[0])?.outputs['reason'] ?? 'none was refused';
  claims.claim('each is told by which run, since when and at which step', silent.length === 0, example);
  const writers = writersOf(acceptedBy(context, opened.shop.user));
  const isNamed = writers.every((name) => /^canary-rollout\/[0-9a-f]+$/.test(name));
  claims.claim('the API server saw one writer', writers.length === 1 && isNamed, writers);
  claimNoneLost(context, await opened.traffic.end());
  await claimPromoted(context, opened, 'checkout', IMAGE);
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Service/checkout']);
};

/** When the first run, stopped for longer than its lease lasts, wakes up again. */
interface Wake {
  readonly name: string;
  /** Of the state that the second run saved last; null: it has ended, and there is none. */
  readonly isTime: (state: unknown) => boolean;
}

const WAKES: readonly Wake[] = [
  { name: 'under-way', isTime: (state) => textAt(state, 'phase') === 'progressing' },
  { name: 'committed', isTime: (state) => typeof at(state, 'committedAt') === 'number' },
  { name: 'over', isTime: (state) => state === null },
];

const savedState = async ({ kube }: Context, namespace: string): Promise<unknown> => {
  const { status, body } = await kube.call('GET', `${paths.configMaps(namespace)}/canary-rollout-checkout`);
  return status === 200 ? JSON.parse(textAt(body, 'data', 'state') || 'null') : null;
};

const holderOf = async ({ kube }: Context, namespace: string): Promise<string> => {
  const { body } = await kube.call('GET', `${paths.leases(namespace)}/canary-rollout-checkout`);
  return textAt(body, 'spec', 'holderIdentity');
};

/** The mark that fences forward writes to the route; '' when there is none. */
const markOf = async ({ kube }: Context, namespace: string): Promise<string> => {
  const { body } = await kube.call('GET', `${paths.httpRoutes(namespace)}/checkout`);
  const annotations = Object.entries((at(body, 'metadata', 'annotations') ?? {}) as Record<string, string>);
  return annotations.find(([name]) => name.startsWith('canary-rollout.github.io/holder-'))?.[1] ?? '';
};

/** The shift to the second weight: decided, on its way, and not there yet. */
const SECOND_SHIFT: CrashPoint = {
  isAt: ({ stage, request }) => stage === 'progressing/shift to 70 %' && request.includes('httproutes/'),
  when: 'before',
};

/** The sequence of writers, without repeats: `A B` when the second took over once and for all. */
const turnsOf = (events: readonly AuditEvent[]): readonly string[] =>
  events.map(({ userAgent }) => userAgent).filter((name, index, all) => name !== all[index - 1]);

const claimFenced = (context: Context, user: string, zombie: Lived, wake: string): void => {
  const { claims, stack } = context;
  const all = writesOf(auditOf(stack.auditLog, user));
  const turns = turnsOf(all.filter(({ status }) => status < 300));
  const text = turns.map((name) => `${name} ${all.filter(({ userAgent }) => userAgent === name).length}`);
  claims.claim(`${wake}: two writers never alternate`, turns.length === 2, text);
  const refused = all.filter(({ userAgent, status }) => userAgent === turns[0] && status >= 400);
  const held = refused.findLast(({ resource }) => resource === 'httproutes');
  const measured = refused.map(({ verb, resource, status }) => `${verb} ${resource} ${status}`);
  claims.claim(`${wake}: the write that was on its way is refused`, held !== undefined, measured);
  claimStatus(context, zombie.run, 'halted', 'lock-lost', 1);
};

/** A first run, stopped at the second shift, which is on its way to the API server until it is woken. */
interface Sleeper {
  readonly stoppedAt: number;
  /** Of the lock. */
  readonly holder: string;
  /** Of the route. */
  readonly mark: string;
  wake(): Promise<Lived>;
}

const sleeper = async (context: Context, scene: Scene): Promise<Sleeper> => {
  const stopped = Promise.withResolvers<number>();
  const released = Promise.withResolvers<void>();
  const stop: Blow = async (action) => {
    action.kill('SIGSTOP');
    stopped.resolve(Date.now());
    await released.promise;
    action.kill('SIGCONT');
    return 'alive' as const;
  };
  const first = live(context, scene, GOOD, SECOND_SHIFT, stop);
  first.then(
    ({ run }) => stopped.reject(new Error(`it ended before the second shift: ${tailOf(run)}`)),
    (error) => stopped.reject(error),
  );
  const stoppedAt = await stopped.promise;
  const wake = (): Promise<Lived> => {
    released.resolve();
    return first;
  };
  const { namespace } = scene.opened.shop;
  return { stoppedAt, holder: await holderOf(context, namespace), mark: await markOf(context, namespace), wake };
};

/** A machine that was paused in the middle of a write, and a second run that takes the rollout over meanwhile. */
const steal = (context: Context, wake: Wake, stopped: () => void): Promise<void> =>
  inScene(context, `stolen-${wake.name}`, async (scene) => {
    const { kube, claims, github } = context;
    const { namespace, user } = scene.opened.shop;
    const first = await sleeper(context, scene);
    stopped();
    const inputs = quickInputs(scene.opened, GOOD);
    const second = startAction(inputs, github.url, {}, { GITHUB_RUN_ID: '43' });
    // Until the new holder has marked the route, what was on its way may still land: it is seen and gone on from.
    const isTime = async (): Promise<boolean> =>
      (await holderOf(context, namespace)) !== first.holder &&
      (await markOf(context, namespace)) !== first.mark &&
      wake.isTime(await savedState(context, namespace));
    await kube.until(`the moment to wake (${wake.name})`, isTime, PATIENCE_MS);
    claims.note(`${wake.name}: woken after`, `${((Date.now() - first.stoppedAt) / 1000).toFixed(1)} s`);
    const zombie = await first.wake();
    const post = await startAction(inputs, github.url, zombie.run.state).done;
    const taken = await second.done;
    claimFenced(context, user, zombie, wake.name);
    const measured = post.exitCode === 0 ? 'exit 0' : tailOf(post);
    claims.claim(`${wake.name}: its post step leaves it so`, post.exitCode === 0, measured);
    claimStatus(context, taken, 'promoted', 'completed', 0);
    claimNoneLost(context, await scene.opened.traffic.end());
    await claimRestored(context, scene.opened, ['HTTPRoute/checkout', 'Service/checkout']);
  });

/** The twenty begin while the stopped run's lease is waited for: before, they would keep it from its work. */
export const race: Suite = {
  name: 'race',
  title: 'twenty runs at once are one rollout; a run that lost its lock in its sleep writes nothing more',
  alone: true,
  run: async (context) => {
    const random = Number(context.seed.replace(/\D/g, '') || 0) % WAKES.length;
    const wakes = context.full ? WAKES : WAKES.slice(random, random + 1);
    const stops = wakes.map(() => Promise.withResolvers<void>());
    const stolen = wakes.map((wake, index) => steal(context, wake, () => stops[index]?.resolve()));
    await Promise.race([Promise.all(stops.map(({ promise }) => promise)), Promise.all(stolen)]);
    await Promise.all([many(context), ...stolen]);
  },
};
