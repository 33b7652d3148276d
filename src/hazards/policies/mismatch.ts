import { objectIn, type ResourceKind, type Seen } from '../../core/objects.ts';
import type { Target } from '../../core/plan.ts';
import type { Finding } from '../../core/reason.ts';
import { COPIED_KINDS } from '../../core/spec.ts';
import type { HazardRow } from '../../ports/hazard.ts';
import { serviceRef } from '../../workloads/arms.ts';
import type { Covered } from '../../workloads/copied-policies.ts';
import { type Coverage, podLabels } from '../../workloads/coverage.ts';
import { copiedLabels } from '../../workloads/tracking.ts';

/** What policies can select by; null while there is no stable. */
export const coveredIn = (seen: Seen, target: Target): Covered | null => {
  const pods = podLabels(seen, target);
  const { service, canaryService, namespace } = target;
  const stable = service === null ? null : objectIn(seen, serviceRef(target, service));
  if (pods === null) return null;
  if (stable === null || canaryService === null) return { namespace, pods, services: null };
  const existing = target.pair === null ? null : objectIn(seen, serviceRef(target, canaryService));
  const canary = existing?.metadata.labels ?? copiedLabels(stable);
  return { namespace, pods, services: { stable: stable.metadata.labels ?? {}, canary } };
};

const isCopied = (kind: string): boolean => COPIED_KINDS.some((copied) => copied === kind);

const labelText = ({ relabel }: Target): string => {
  const changed = Object.entries(relabel).map(([key, value]) => `${key}=${value}`);
  return changed.length === 0 ? '' : ` (the canary's have ${changed.join(', ')})`;
};

export interface Mismatch {
  readonly kind: ResourceKind['kind'];
  readonly name: string;
  /** What it does to stable and not to the canary, as in `selects stable's pods`. */
  readonly fact: string;
  /** What would come of it, as in `the canary could not reach what stable may reach`. */
  readonly consequence: string;
  readonly advice: string;
}

export const refuse = (target: Target, { kind, name, fact, consequence, advice }: Mismatch): Finding => ({
  severity: 'error',
  code: 'policy-mismatch',
  where: `${kind} ${target.namespace}/${name}`,
  message: `${kind} ${target.namespace}/${name} ${fact}: ${consequence}.`,
  advice,
  allow: `${kind}/${name}`,
});

export const copyAdvice = (kind: string): string =>
  `\`copy: ${kind}\` makes one for the canary for the time of the rollout`;

/** A policy that selects the pods of one version only. */
export const oneSided = (
  target: Target,
  kind: string,
  name: string,
  coverage: Exclude<Coverage, 'both' | 'neither'>,
  consequence: string,
): Finding =>
  coverage === 'stable'
    ? refuse(target, {
        kind,
        name,
        fact: `selects the pods of Deployment ${target.deployment} and not the canary's`,
        consequence,
        advice: isCopied(kind)
          ? copyAdvice(kind)
          : `let it select the pods of both versions by labels that both have${labelText(target)}`,
      })
    : refuse(target, {
        kind,
        name,
        fact: `selects the canary's pods and not those of Deployment ${target.deployment}`,
        consequence: 'the two versions would not run under the same rules',
        advice: `let it select other pods, or those of both versions${labelText(target)}`,
      });

export const listing = (type: ResourceKind, why: string) => ({
  group: type.apiVersion.includes('/') ? (type.apiVersion.split('/')[0] ?? '') : '',
  resource: type.plural,
  verbs: [],
  optional: ['list'],
  why,
});

/** The row of one kind. */
export const rowOf = (kind: string, what: string): HazardRow => ({
  hazard: what,
  handling: isCopied(kind)
    ? `refuses before the first write; \`copy: ${kind}\` covers the canary`
    : 'refuses before the first write',
  code: 'policy-mismatch',
  override: `\`allow: ${kind}/NAME\`${isCopied(kind) ? `, \`copy: ${kind}\`` : ''}`,
});
