import type { FieldPath } from '../../core/field-managers.ts';
import { formatDuration } from '../../core/format.ts';
import { type ObjectRef, objectIn, refKey, refText, type Seen } from '../../core/objects.ts';
import { type Owner, ownerOf, ownerText, routeOwners } from '../../core/owner.ts';
import type { Target } from '../../core/plan.ts';
import type { Finding } from '../../core/reason.ts';
import type { Hazard, HazardRow, Situation } from '../../ports/hazard.ts';
import { deploymentRef } from '../../workloads/arms.ts';
import { snippetFor } from './snippets.ts';

const TEMPLATE: FieldPath = ['f:spec', 'f:template'];

/** What promotion writes of stable: the images by container, or the whole template. */
const templatePaths = ({ images, template }: Target): readonly FieldPath[] =>
  template !== null
    ? [TEMPLATE]
    : images.map(({ container }) => [
        ...TEMPLATE,
        'f:spec',
        'f:containers',
        `k:${JSON.stringify({ name: container })}`,
        'f:image',
      ]);

const ownerIn = (seen: Seen, ref: ObjectRef, paths: readonly FieldPath[]): Owner | null => {
  const object = objectIn(seen, ref);
  return object === null ? null : ownerOf(object, paths);
};

const finding = (
  severity: Finding['severity'],
  ref: ObjectRef,
  text: string,
  advice: string | null,
  allow?: string,
): Finding => ({
  severity,
  code: 'owned-by-controller',
  where: refText(ref),
  message: `${refText(ref)}: ${text}`,
  advice,
  ...(allow === undefined ? {} : { allow }),
});

// --- stable -----------------------------------------------------------------------

/** When the owner's version comes back, as far as the object tells. */
const RETURNS: Readonly<Record<Exclude<Owner['tool'], 'helm'>, string>> = {
  'argo-cd': 'at its next sync, and within seconds where it heals by itself, which the object does not tell',
  kustomization: 'at its next reconciliation',
  'helm-release': 'at its next upgrade, and earlier with `driftDetection`, which the object does not tell',
};

const stableFindings = ({ spec, target, plan }: Situation, seen: Seen): readonly Finding[] => {
  const ref = deploymentRef(target, 'stable');
  const owner = ownerIn(seen, ref, templatePaths(target));
  if (owner === null) return [];
  if (owner.tool === 'helm') return [finding('warning', ref, helmText(owner, target), null)];
  // Then the owner itself updates stable.
  if (spec.conduct.until?.kind === 'promotion') return [];
  const what = target.template === null ? 'image' : 'pod template';
  const text = `${ownerText(owner)} owns its ${what}: after the promotion it would put its own version back, ${RETURNS[owner.tool]}`;
  const canLeave = plan === null || (plan.abilities.allTraffic && plan.promoteAt === 'all-traffic');
  const leave =
    '`until: promotion` ends the job with all traffic on the canary: commit the new version to git, and `command: resume` finishes (docs/gitops.md)';
  const first = 'change the image in git instead, and let that update stable';
  return [finding('error', ref, text, canLeave ? leave : first, 'drift')];
};

/**
 * Helm compares the old chart, the new one and what is there: an image that the chart names is set to the chart's, whether
 * the chart changed or not (https://helm.sh/docs/faq/changes_since_helm2/#improved-upgrade-strategy-3-way-strategic-merge-patches).
 */
const helmText = (owner: Owner, { images, template }: Target): string => {
  const [name = ''] = (images[0]?.image ?? '').split('@');
  const tag = /:([\w][\w.-]{0,127})$/.exec(name)?.[1];
  const value = template === null && tag !== undefined ? ` (often \`--set image.tag=${tag}\`)` : '';
  return `${ownerText(owner)} owns it: the next \`helm upgrade\` brings the old version back, unless its values name the new one by then${value}`;
};

// --- what else is written ---------------------------------------------------------

const canaryFindings = ({ target }: Situation, seen: Seen): readonly Finding[] => {
  if (target.pair === null) return [];
  const ref = deploymentRef(target, 'canary');
  const owner = ownerIn(seen, ref, [...templatePaths(target), ['f:spec', 'f:replicas']]);
  if (owner === null || owner.tool === 'helm') return [];
  const text = `${ownerText(owner)} owns the canary, whose image and replicas the rollout sets: it may put them back while it has traffic`;
  return [finding('error', ref, text, 'let it ignore both (docs/gitops.md)', 'drift')];
};

const routeFindings = ({ target, plan, fields }: Situation, seen: Seen): readonly Finding[] =>
  routeOwners(seen, target.routes, fields).flatMap(({ route, owner }) => {
    const snippet = snippetFor(owner, route, fields[refKey(route)] ?? []);
    if (snippet === null) return [];
    const stands = plan === null ? '' : ` for ${formatDuration(plan.timings.standMs)}`;
    const early = `Before any traffic moves, the new entry has to stand${stands}`;
    const when =
      owner.tool === 'argo-cd'
        ? `${early}; whenever it is put back, the traffic returns to stable.`
        : `${early}, but Flux comes by less often than that; when it puts the entry back, the traffic returns to stable.`;
    const text = `${ownerText(owner)} owns the entries that the rollout writes, and may put them back. ${when} To have them left alone, add:`;
    return [finding('warning', route, text, snippet)];
  });

/** `/spec/minReplicas` → `f:spec`, `f:minReplicas` */
const pathOfPointer = (pointer: string): FieldPath =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => `f:${part.replaceAll('~1', '/').replaceAll('~0', '~')}`);

const autoscalerFindings = ({ target: { autoscaler } }: Situation, seen: Seen): readonly Finding[] => {
  if (autoscaler === null) return [];
  const pointers = autoscaler.fields.map(({ path }) => path);
  const owner = ownerIn(seen, autoscaler.ref, pointers.map(pathOfPointer));
  const snippet = owner === null ? null : snippetFor(owner, autoscaler.ref, pointers);
  if (owner === null || snippet === null) return [];
  const text = `${ownerText(owner)} owns what the rollout holds stable's size with, and may put it back: stable could then shrink while it is the way back. To have it left alone, add:`;
  return [finding('warning', autoscaler.ref, text, snippet)];
};

// --- the hazard -------------------------------------------------------------------

const ROWS: readonly HazardRow[] = [
  {
    hazard: "stable's Deployment owned by Argo CD, a Flux Kustomization or a Flux HelmRelease",
    handling: 'refuses: it would put its own version back after the promotion. `until: promotion` leaves stable to it',
    code: 'owned-by-controller',
    override: '`until: promotion`, or `allow: drift`',
  },
  {
    hazard: 'a canary Deployment of yours owned by one of them',
    handling: 'refuses: it would put image and replicas back while the canary has traffic',
    code: 'owned-by-controller',
    override: '`allow: drift`',
  },
  {
    hazard: 'a route owned by one of them',
    handling:
      'warns, with the lines that make it leave our entries alone; the new entry must stand before any traffic moves, and one that is put back later returns the traffic',
    code: null,
    override: null,
  },
  {
    hazard: 'an autoscaler owned by one of them',
    handling: 'warns, with the lines that make it leave the bounds alone',
    code: null,
    override: null,
  },
  {
    hazard: "stable's Deployment owned by a Helm release",
    handling: 'warns what the next `helm upgrade` brings back, and which value to set',
    code: null,
    override: null,
  },
];

/** Tools that put objects back to what stands in git or in a chart. Whether they do is not written on the objects. */
export const gitops: Hazard = {
  name: 'gitops',
  rows: ROWS,
  reads: () => [],
  permissions: [],
  find: (situation, seen) => [
    ...stableFindings(situation, seen),
    ...canaryFindings(situation, seen),
    ...routeFindings(situation, seen),
    ...autoscalerFindings(situation, seen),
  ],
};
