import { isDeepStrictEqual } from 'node:util';
import type { Sender } from '../stack/senders.ts';
import type { LoadReport } from '../stack/tally.ts';
import { type ActionRun, type Inputs, startAction, tailOf } from './action.ts';
import { type Held, watchWeights } from './journal.ts';
import { type KubeObject, listAt, textAt } from './json.ts';
import { paths } from './kube.ts';
import { claimNothingLeft, claimUntouched, type Snapshot, snapshot } from './remains.ts';
import { type Context, openShop, type Shop, untilMeasured } from './shop.ts';
import {
  type Answered,
  fits,
  httpSender,
  lost,
  lostSince,
  lostText,
  percent,
  shareOf,
  startTraffic,
  type Traffic,
  untilServed,
} from './traffic.ts';

export interface Case {
  readonly shop: Shop;
  readonly before: Snapshot;
  readonly traffic: Traffic;
}

export interface CaseShape {
  readonly namespace: string;
  readonly objects: readonly KubeObject[];
  readonly rps: number;
  readonly sender?: Sender;
  /** The counter that shows when Prometheus has seen traffic. */
  readonly metric?: string;
}

/** A shop under load, measured, as it was before the release. */
export const openCase = async (context: Context, shape: CaseShape): Promise<Case> => {
  const shop = await openShop(context, shape.namespace, shape.objects);
  const sender = shape.sender ?? httpSender(shop.host);
  await untilServed(sender);
  const traffic = startTraffic({ sender, rps: shape.rps, seed: `${context.seed} ${shape.namespace}` });
  await untilMeasured(shop, shape.metric);
  return { shop, before: await snapshot(context.kube, shop), traffic };
};

export const runAction = (context: Context, inputs: Inputs): Promise<ActionRun> =>
  startAction(inputs, context.github.url).done;

export interface Watching {
  readonly run: ActionRun;
  readonly held: readonly Held[];
}

/** Runs the action while the route's weights are recorded from outside. */
export const runWatched = async (
  context: Context,
  inputs: Inputs,
  route: KubeObject,
  backend: string,
  rule = 0,
): Promise<Watching> => {
  const watched = await watchWeights(context.kube, route, backend, rule);
  try {
    return { run: await runAction(context, inputs), held: watched.held() };
  } finally {
    watched.stop();
  }
};

export const claimStatus = (
  context: Context,
  run: ActionRun,
  status: string,
  reasonCode: string,
  exitCode: number,
): void => {
  const is = [run.outputs['status'], run.outputs['reason-code'], run.exitCode];
  const holds = isDeepStrictEqual(is, [status, reasonCode, exitCode]);
  const seconds = ((run.endedAt - run.startedAt) / 1000).toFixed(1);
  const measured = `${is.join(', ')} after ${seconds} s: ${run.outputs['reason']}`;
  context.claims.claim(`ends as ${status} (${reasonCode})`, holds, holds ? measured : `${measured} | ${tailOf(run)}`);
};

export const claimNoneLost = (context: Context, report: LoadReport, what = 'no request is lost'): void => {
  context.claims.figure({ kind: 'requests', sent: report.sent, lost: lost(report) });
  context.claims.claim(what, lost(report) === 0 && report.sent > 0, lostText(report));
};

/** Of a release that came after a bad one under the same load: what the bad version failed does not count. */
export const claimNoneLostSince = (context: Context, { traffic }: Case, from: number, except: string): void => {
  const harmed = lostSince(traffic.answers, from, except);
  const sent = traffic.answers.filter(({ sentAt }) => sentAt >= from).length;
  context.claims.figure({ kind: 'requests', sent, lost: harmed.length });
  const measured = `${harmed.length} of ${sent} ${harmed.length > 0 ? JSON.stringify(harmed.slice(0, 3)) : ''}`;
  context.claims.claim('nothing is lost in the good release', harmed.length === 0 && sent > 0, measured);
};

/** How long after a change of weight Traefik may still use the old one. */
const SETTLE_MS = 1000;

/** Each weight asked for was held, and the users' requests were split so. */
export const claimShares = (
  context: Context,
  held: readonly Held[],
  answers: readonly Answered[],
  version: string,
  weights: readonly number[],
): void => {
  for (const weight of weights) {
    const span = held.find((candidate) => Math.abs(candidate.weight - weight) < 0.0005);
    const share = shareOf(answers, version, (span?.from ?? 0) + SETTLE_MS, span?.to ?? 0);
    const measured = span
      ? `${percent(share.share)} of ${share.requests} requests`
      : `never held; the route had ${held.map((one) => percent(one.weight)).join(', ')}`;
    context.claims.figure({ kind: 'share-error', value: Math.abs(share.share - weight) });
    context.claims.claim(`${percent(weight)} asked is what users get`, fits(share, weight), measured);
  }
};

/** Stable's template is the old one with the new image, and ready. */
export const claimPromoted = async (
  context: Context,
  { shop, before }: Case,
  deployment: string,
  image: string,
): Promise<void> => {
  const was = before.get(`Deployment/${deployment}`);
  const is = await context.kube.get(`${paths.deployments(shop.namespace)}/${deployment}`);
  const [container] = listAt(was, 'spec', 'template', 'spec', 'containers');
  const oldImage = JSON.stringify(textAt(container, 'image'));
  const expected: unknown = JSON.parse(JSON.stringify(was?.spec ?? null).replaceAll(oldImage, JSON.stringify(image)));
  const holds = isDeepStrictEqual(is.spec, expected);
  const measured = holds ? `only the image differs: ${image}` : { expected, is: is.spec };
  context.claims.claim('stable runs the new image and is else what it was', holds, measured);
};

/** Neither the route nor anything else shows that a release happened. */
export const claimRestored = async (
  context: Context,
  { shop, before }: Case,
  untouched: readonly string[],
): Promise<void> => {
  for (const name of untouched) await claimUntouched(context, shop, before, name);
  await claimNothingLeft(context, shop, before, shop.namespace);
};
