import type { Outcome } from '../core/outcome.ts';
import type { ContainerImage, Plan, Target } from '../core/plan.ts';
import type { Rollout, StepMetric, StepRecord, Wait } from '../core/rollout.ts';
import type { Rung } from '../core/traffic.ts';
import { ALL_TRAFFIC, type BasisPoints, type Ms } from '../core/units.ts';
import { code, type Inline, say } from './inline.ts';

/** What a report is about: a rollout under way, or how a run ended. */
export type Situation = { readonly kind: 'running'; readonly rollout: Rollout } | Outcome;

export const rolloutOf = (situation: Situation): Rollout | null =>
  situation.kind === 'running' || situation.kind === 'finished' ? situation.rollout : null;

/** Repository without registry and path, tag, short digest. */
const imageParts = (image: string): { readonly name: string; readonly version: string } => {
  const [reference = '', digest = ''] = image.split('@');
  const last = reference.slice(reference.lastIndexOf('/') + 1);
  const colon = last.indexOf(':');
  const name = colon < 0 ? last : last.slice(0, colon);
  const tag = colon < 0 ? '' : last.slice(colon + 1);
  if (tag !== '') return { name, version: /^[0-9a-f]{40}$/.test(tag) ? tag.slice(0, 12) : tag };
  return { name, version: digest === '' ? 'latest' : digest.replace(/^(sha256:.{12}).*$/, '$1') };
};

/** How an image is called where space is short: its tag, or the start of its digest. */
export const versionOf = (image: string): string => imageParts(image).version;

const changed = (from: readonly ContainerImage[], to: readonly ContainerImage[]): readonly ContainerImage[] =>
  to.filter((next) => !from.some((old) => old.container === next.container && old.image === next.image));

/** The old and the new version as code: tags where they tell them apart, else whole images; `+1` for further containers. */
export const versions = (plan: Plan): { readonly from: Inline; readonly to: Inline } => {
  const news = changed(plan.fromImages, plan.target.images);
  const to = (news.length === 0 ? plan.target.images : news)[0];
  if (to === undefined) return { from: say`the old version`, to: say`the new version` };
  const from = plan.fromImages.find((image) => image.container === to.container);
  const more = news.length > 1 ? ` +${news.length - 1}` : '';
  const label = (image: string): Inline => say`${code(image)}${more}`;
  if (from === undefined) return { from: say`the old version`, to: label(versionOf(to.image)) };
  const [before, after] = [imageParts(from.image), imageParts(to.image)];
  if (before.version === after.version) return { from: label(from.image), to: label(to.image) };
  if (before.name !== after.name) {
    return { from: label(`${before.name}:${before.version}`), to: label(`${after.name}:${after.version}`) };
  }
  return { from: label(before.version), to: label(after.version) };
};

/** The objects that carry traffic, as the user names them: `httproute/checkout`, or `replicas`. */
export const routeNames = (target: Target): readonly string[] =>
  target.routes.length === 0
    ? [target.router]
    : target.routes.map((route) => `${route.kind.toLowerCase()}/${route.name}`);

export const RUNGS: Readonly<Record<Rung, string>> = {
  V0: 'written in the route',
  V1: 'accepted by the router',
  V2: 'applied by the data plane',
  V3: 'seen in traffic',
  V4: 'the old path is empty',
};

export const currentStep = (rollout: Rollout): StepRecord | null => rollout.steps.at(-1) ?? null;

/** Requests and failures of the canary over the whole rollout, by the metric that counted most failures; null: nothing counts them. */
export const harmOf = (rollout: Rollout): { readonly requests: number; readonly failures: number } | null => {
  if (rollout.traffic.firstAt === null) return { requests: 0, failures: 0 };
  const counted = new Set(rollout.plan.metrics.filter((metric) => metric.kind === 'counted').map(({ name }) => name));
  const tallies = rollout.metrics.filter(({ name }) => counted.has(name)).map(({ total }) => total.canary);
  const [first, ...rest] = tallies;
  if (first === undefined) return null;
  return rest.reduce(
    (worst, next) =>
      next.failures > worst.failures || (next.failures === worst.failures && next.requests > worst.requests)
        ? next
        : worst,
    first,
  );
};

export const metricOf = (step: StepRecord | null, name: string | null): StepMetric | null =>
  step?.metrics.find((metric) => metric.name === name) ?? null;

/** How long the rollout took, or has taken. */
export const elapsed = (rollout: Rollout, now: Ms): Ms => (rollout.finishedAt ?? now) - rollout.startedAt;

/** The canary's weight, when it was confirmed as wanted, else as the route was last seen to say; null: not known. */
export const knownWeight = ({ traffic, observation }: Rollout): BasisPoints | null =>
  traffic.verified !== null && traffic.verified.canary === traffic.wanted.canary
    ? traffic.verified.canary
    : (observation?.traffic?.canary ?? null);

/** Share of users on the new version, whichever arm serves it to them; null: not known. */
export const shareOfNew = (rollout: Rollout): BasisPoints | null => {
  if (rollout.phase === 'promoted') return ALL_TRAFFIC;
  if (rollout.phase === 'rolled-back') return 0;
  return rollout.committedAt !== null && isNewStable(rollout) ? ALL_TRAFFIC : knownWeight(rollout);
};

/**
 * Whether the return of all traffic to stable is confirmed, not only accepted as a write. A weight of 0 that was
 * confirmed before the first step does not count.
 */
export const isReturned = ({ phase, stage, traffic, undoes }: Rollout): boolean =>
  (undoes && phase === 'rolled-back') ||
  (traffic.wayBackDoneAt !== null &&
    traffic.verified?.canary === 0 &&
    (phase === 'rolled-back' || stage.name !== 'way-back' || stage.verifiedAt !== null));

const ORDER: readonly Wait['kind'][] = ['paused', 'approval', 'no-data', 'evidence'];
export const mostPressing = (waits: readonly Wait[]): Wait | null =>
  ORDER.flatMap((kind) => waits.filter((wait) => wait.kind === kind))[0] ?? null;

const ABORTS: ReadonlySet<string> = new Set(['cancelled', 'aborted-by-user']);
export const wasAborted = (rollout: Rollout): boolean => ABORTS.has(rollout.reason?.code ?? '');

/** When a pause ends by going back. */
export const holdEnd = (rollout: Rollout, since: Ms): Ms => since + rollout.plan.conduct.holdMs;
export const approvalEnd = (rollout: Rollout, since: Ms): Ms => since + rollout.plan.conduct.approval.timeoutMs;

/** `by octocat`, or that the plan wanted it so. */
export const pausedBy = (by: string): Inline => (/^until\b/.test(by) ? say`as planned (${code(by)})` : say`by ${by}`);

/** Weights that `promote` left out. */
export const skippedSteps = ({ plan, skipsSteps, steps }: Rollout): number =>
  steps.filter(({ verdict }) => verdict === 'skipped').length +
  (skipsSteps ? Math.max(0, plan.steps.length - steps.length) : 0);

const sameImages = (seen: readonly ContainerImage[], wanted: readonly ContainerImage[]): boolean =>
  wanted.every(({ container, image }) => seen.some((other) => other.container === container && other.image === image));

/** Stable was last seen with every judged image, and nothing older beside it. A whole template may keep the images. */
export const isNewStable = (rollout: Rollout): boolean => {
  const { observation, plan } = rollout;
  const isChanged = plan.target.template === null || !isOldStable(rollout);
  return (
    observation?.stable?.rolledOut === true && isChanged && sameImages(observation.stable.images, plan.target.images)
  );
};

/** Stable's template was last seen as it was at the start. */
export const isOldStable = ({ observation, plan }: Rollout): boolean =>
  observation?.stable != null && observation.stable.template === plan.stableTemplate;
