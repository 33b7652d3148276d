import { claimNoneLost, claimPromoted, claimRestored, claimStatus, openCase, runAction } from '../harness/case.ts';
import { listAt, numberAt, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { type Answered, fits, percent, shareOf } from '../harness/traffic.ts';

const NAMESPACE = 'replicas';
/** Longer than Traefik needs to follow. */
const SETTLE_MS = 1000;

interface Endpoints {
  readonly at: number;
  readonly canary: number;
  readonly stable: number;
  /** Their pods' names in order: counts alone do not show that one took another's place. */
  readonly pods: string;
}

/** Ready endpoints of the Service by arm, as kube-proxy would see them. */
const countEndpoints = async ({ kube }: Context): Promise<Endpoints> => {
  const slices = await kube.list(paths.endpointSlices(NAMESPACE));
  const names = slices
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web')
    .flatMap((slice) => listAt(slice, 'endpoints'))
    .filter((endpoint) => textAt(endpoint, 'conditions', 'ready') === 'true')
    .map((endpoint) => textAt(endpoint, 'targetRef', 'name'));
  const canary = names.filter((name) => name.startsWith('web-canary-')).length;
  return { at: Date.now(), canary, stable: names.length - canary, pods: names.toSorted().join(' ') };
};

const follow = (context: Context): { seen: readonly Endpoints[]; stop(): void } => {
  const seen: Endpoints[] = [];
  const timer = setInterval(() => {
    countEndpoints(context).then(
      (counted) => seen.push(counted),
      () => {}, // The next turn counts again.
    );
  }, 250);
  return { seen, stop: () => clearInterval(timer) };
};

/** The requests while the first pods that stood so did: later ones of stable run the new version too. */
const claimShare = (
  context: Context,
  seen: readonly Endpoints[],
  answers: readonly Answered[],
  canary: number,
  stable: number,
): void => {
  const first = seen.find((counted) => counted.canary === canary && counted.stable === stable);
  const same = seen.filter(({ pods }) => pods === first?.pods);
  const from = (same.at(0)?.at ?? 0) + SETTLE_MS;
  const to = same.at(-1)?.at ?? 0;
  const share = shareOf(answers, '2.0', from, to);
  const expected = canary / (canary + stable);
  const measured = `${percent(share.share)} of ${share.requests} requests with ${canary} + ${stable} pods`;
  context.claims.figure({ kind: 'share-error', value: Math.abs(share.share - expected) });
  context.claims.claim(`${percent(expected)} by pods is what users get`, fits(share, expected), measured);
};

const release = async (context: Context): Promise<void> => {
  const labels = { app: 'web', track: 'stable' };
  const route = httpRoute(NAMESPACE, 'web', [{ backendRefs: [{ name: 'web', port: 80 }] }]);
  const objects = [
    deployment({ namespace: NAMESPACE, name: 'web', version: '1.0', labels }),
    service(NAMESPACE, 'web'),
    route,
  ];
  const image = imageOf('web', '2.0');

  const opened = await openCase(context, { namespace: NAMESPACE, objects, rps: 100 });
  const followed = follow(context);
  const inputs = { ...releaseInputs(opened.shop, image, 'web'), route: 'replicas', weights: '25, 50' };
  const run = await runAction(context, inputs);
  followed.stop();
  const report = await opened.traffic.end();

  claimStatus(context, run, 'promoted', 'completed', 0);
  claimNoneLost(context, report);
  claimShare(context, followed.seen, opened.traffic.answers, 1, 3);
  claimShare(context, followed.seen, opened.traffic.answers, 3, 3);
  const least = Math.min(...followed.seen.map(({ stable, canary }) => stable + canary));
  context.claims.claim('there are never fewer ready pods than before', least >= 3, `at least ${least}`);
  const steps = listAt(run.result, 'steps').map((step) => numberAt(step, 'weight'));
  context.claims.claim('the steps are those that pods can express', steps.join() === '25,50', steps);
  await claimPromoted(context, opened, 'web', image);
  await claimRestored(context, opened, ['Service/web', 'HTTPRoute/web']);
};

export const replicas: Suite = {
  name: 'replicas',
  title: 'without a router the number of pods is the weight',
  alone: false,
  run: release,
};
