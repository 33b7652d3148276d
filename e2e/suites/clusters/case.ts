import { type ActionRun, type Inputs, type RunningAction, startAction, tailOf } from '../../harness/action.ts';
import { auditOf, writesOf } from '../../harness/audit.ts';
import { type Case, claimPromoted, claimStatus } from '../../harness/case.ts';
import type { Gate } from '../../harness/gate.ts';
import type { KubeObject } from '../../harness/json.ts';
import { imageOf } from '../../harness/objects.ts';
import { claimNothingLeft } from '../../harness/remains.ts';
import {
  type Context,
  openShop,
  releaseInputs,
  type Shop,
  type ShopOptions,
  untilMeasured,
} from '../../harness/shop.ts';
import { httpSender, lostSince, lostText, startTraffic, untilServed } from '../../harness/traffic.ts';
import type { Sender } from '../../stack/senders.ts';
import { ALL_KINDS, claimAllEqual, everything, shopObjects } from './surroundings.ts';

/** What a case of this suite gets: claims carry its name, and the namespace is its own. */
export interface HazardContext extends Context {
  readonly namespace: string;
  /** How many releases have users at a time. */
  readonly gate: Gate;
}

/** Its row in the table. */
export interface Outcome {
  /** As in `refuses before the first write`. */
  readonly does: string;
  /** As in "refused `policy-mismatch`", `promoted, 0 of 5210 lost`. */
  readonly outcome: string;
  /** What was tried to get by all the same, and what came of it; empty: nothing. */
  readonly override: string;
}

export interface HazardCase {
  /** The name of the hazard in the code's list. */
  readonly hazard: string;
  /** kebab-case, not longer than 40, one of its kind in the suite: for `--only`, and its namespace is `clusters-NAME`. */
  readonly name: string;
  /** What is in the cluster, for the table. */
  readonly what: string;
  /** Left out of the short form, where every hazard needs one case and all of them together three minutes. */
  readonly onlyFull?: boolean;
  readonly run: (context: HazardContext) => Promise<Outcome>;
}

/** A shop and what stands beside it. */
export interface Setting extends ShopOptions {
  /** Instead of `shopObjects(context.namespace)`. */
  readonly objects?: readonly KubeObject[];
  /** Made first. Kinds: those of e2e/harness/kinds.ts. */
  readonly foreign?: readonly KubeObject[];
  /** Added to the inputs of a short release, which is of the image `checkout:2.0`; an empty text takes one away. */
  readonly inputs?: Inputs;
  /** Files of the workspace, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Refusal extends Setting {
  readonly reasonCode: string;
  /** Each of them is said. */
  readonly text: string | readonly string[];
  /** For the table; `refuses before the first write` otherwise. */
  readonly does?: string;
  /** An entry of `allow`: with it, the plan is tried next, and must be fine, with a warning of the same texts. */
  readonly allow?: string;
}

export interface Release extends Setting {
  /** Tag of the new image; one with `bad` answers half of the requests with 500. */
  readonly version: string;
  readonly expect: 'promoted' | 'rolled-back';
  /** For the table: what is done about the hazard. */
  readonly does: string;
  /** `completed` and `metric-failed` otherwise. */
  readonly reasonCode?: string;
  /** Each of them is said, as a warning or in the report. */
  readonly text?: string | readonly string[];
  /** Objects (`Kind/name`) that may differ afterwards, beside a promoted `Deployment/checkout`. */
  readonly except?: readonly string[];
  /** Whether a promoted stable is its old template with the new image; true otherwise. */
  readonly onlyImage?: boolean;
  /** Users, where they do not come by the shop's host. */
  readonly sender?: (shop: Shop) => Sender;
  /** Runs beside the release, such as somebody who changes an object; it is waited for. */
  readonly meanwhile?: (opened: Case, action: RunningAction) => Promise<void>;
}

export interface Released {
  readonly outcome: Outcome;
  readonly run: ActionRun;
  readonly opened: Case;
}

const listOf = (text: string | readonly string[] | undefined): readonly string[] =>
  text === undefined ? [] : typeof text === 'string' ? [text] : text;

/** The inputs of a short release in this suite. */
export const inputsOf = (shop: Shop, { inputs = {} }: Setting): Inputs => ({
  ...releaseInputs(shop, imageOf('checkout', '2.0'), 'checkout'),
  weights: '50',
  interval: '3s',
  drain: '2s',
  ...inputs,
});

const run = (context: Context, inputs: Inputs, { files = {} }: Setting): RunningAction =>
  startAction(inputs, context.github.url, {}, {}, files);

/** Makes the namespace with everything in it; no users yet. */
export const openSetting = (context: HazardContext, setting: Setting): Promise<Shop> => {
  const objects = setting.objects ?? shopObjects(context.namespace);
  return openShop(context, context.namespace, [...(setting.foreign ?? []), ...objects], setting);
};

/** Where a reader looks: the reason, the report and the log. */
const claimSaid = ({ claims }: Context, done: ActionRun, texts: readonly string[]): void => {
  const said = [done.outputs['reason'] ?? '', done.summary, done.log].join('\n');
  const missing = texts.filter((text) => !said.includes(text));
  if (texts.length === 0) return;
  claims.claim(
    `it says ${texts.map((text) => JSON.stringify(text)).join(', ')}`,
    missing.length === 0,
    missing.length === 0 ? 'it does' : { missing, tail: tailOf(done) },
  );
};

const claimNothingWritten = ({ claims, stack }: Context, shop: Shop, what: string): void => {
  const writes = writesOf(auditOf(stack.auditLog, shop.user)).map(({ verb, uri }) => `${verb} ${uri}`);
  claims.claim(
    `${what}: nothing is written`,
    writes.length === 0,
    writes.length === 0 ? 'no write in the audit log' : writes,
  );
};

/** Refused before the first write, with the reason; then, where it may be allowed, planned with a warning. */
export const refused = async (context: HazardContext, refusal: Refusal): Promise<Outcome> => {
  const shop = await openSetting(context, refusal);
  const before = await everything(context, shop);
  // No users: without metrics nobody is asked how stable does.
  const inputs: Inputs = { ...inputsOf(shop, refusal), metrics: '', prometheus: '', ...refusal.inputs };
  const done = await run(context, inputs, refusal).done;
  claimStatus(context, done, 'rejected', refusal.reasonCode, 1);
  claimSaid(context, done, listOf(refusal.text));
  claimNothingWritten(context, shop, 'refused');
  const override = refusal.allow === undefined ? '' : await planned(context, shop, inputs, refusal, refusal.allow);
  claimAllEqual(context.claims, before, await everything(context, shop), []);
  const does = refusal.does ?? 'refuses before the first write';
  return { does, outcome: `refused \`${done.outputs['reason-code']}\``, override };
};

const planned = async (
  context: HazardContext,
  shop: Shop,
  inputs: Inputs,
  refusal: Refusal,
  allow: string,
): Promise<string> => {
  const done = await run(context, { ...inputs, allow, command: 'plan' }, refusal).done;
  claimStatus(context, done, 'planned', 'planned', 0);
  claimSaid(context, done, [...listOf(refusal.text), `allowed by`]);
  claimNothingWritten(context, shop, 'planned');
  return `\`allow: ${allow}\`: ${done.outputs['status']}, with a warning`;
};

/** With users from before the release until everything is checked. */
const underLoad = async (context: HazardContext, setting: Release): Promise<Case> => {
  const shop = await openSetting(context, setting);
  const sender = setting.sender?.(shop) ?? httpSender(shop.host);
  await untilServed(sender);
  const rps = context.full ? 200 : 100;
  const traffic = startTraffic({ sender, rps, seed: `${context.seed} ${shop.namespace}` });
  await untilMeasured(shop);
  return { shop, before: await everything(context, shop), traffic };
};

/** Whoever failed: the rollout itself, or what stands beside it. What a bad version fails is no loss of theirs. */
const claimLosses = async (context: HazardContext, { traffic }: Case, { version }: Release): Promise<string> => {
  const report = await traffic.end();
  const except = version.includes('bad') ? version : '';
  const harmed = lostSince(traffic.answers, 0, except);
  const count = harmed.length + report.notSent;
  context.claims.figure({ kind: 'requests', sent: report.sent, lost: count });
  const measured =
    except === '' ? lostText(report) : `${count} of ${report.sent} ${JSON.stringify(harmed.slice(0, 3))}`;
  context.claims.claim('no request is lost', count === 0 && report.sent > 0, measured);
  return `${count} of ${report.sent} lost`;
};

/** A release under load with users and neighbours unharmed: nothing lost, every foreign object as it was, nothing left. */
export const release = async (context: HazardContext, wanted: Release): Promise<Released> => {
  const leave = await context.gate.enter();
  try {
    const opened = await underLoad(context, wanted);
    const { shop, before } = opened;
    const image = imageOf('checkout', wanted.version);
    const inputs: Inputs = { ...inputsOf(shop, wanted), image, ...wanted.inputs };
    const action = run(context, inputs, wanted);
    const [done] = await Promise.all([action.done, wanted.meanwhile?.(opened, action)]);
    const lossText = await claimLosses(context, opened, wanted);
    const isPromoted = wanted.expect === 'promoted';
    const reasonCode = wanted.reasonCode ?? (isPromoted ? 'completed' : 'metric-failed');
    claimStatus(context, done, wanted.expect, reasonCode, isPromoted ? 0 : 1);
    claimSaid(context, done, listOf(wanted.text));
    await claimNothingLeft(context, shop, before, shop.namespace, ALL_KINDS);
    const except = [...(isPromoted ? ['Deployment/checkout'] : []), ...(wanted.except ?? [])];
    claimAllEqual(context.claims, before, await everything(context, shop), except);
    if (isPromoted && wanted.onlyImage !== false) await claimPromoted(context, opened, 'checkout', image);
    const ended = done.outputs['status'] === 'rolled-back' ? 'rolled back' : (done.outputs['status'] ?? 'no status');
    const override = inputs['allow'] ? `\`allow: ${inputs['allow'].replaceAll('\n', ', ')}\`` : '';
    return { outcome: { does: wanted.does, outcome: `${ended}, ${lossText}`, override }, run: done, opened };
  } finally {
    leave();
  }
};

/** `release`, for a case that claims nothing beside it. */
export const released = async (context: HazardContext, wanted: Release): Promise<Outcome> =>
  (await release(context, wanted)).outcome;

/** `released` with an entry of `allow`, for what is refused without. */
export const allowed = (context: HazardContext, allow: string, wanted: Release): Promise<Outcome> =>
  released(context, { ...wanted, inputs: { ...wanted.inputs, allow } });
