import { COPIED } from '../core/copied-kinds.ts';
import { type KubeObject, listIn, listRef, type ObjectRef, refText, type Seen } from '../core/objects.ts';
import type { Companion, Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { type Fields, fieldsOf } from '../core/shape.ts';
import type { CopiedKind } from '../core/spec.ts';
import type { WorkloadRequest } from '../ports/workload.ts';
import { LARGEST_COMPANIONS_BYTES } from './companions.ts';
import { budgetOf, type Covered, copyRef, lackingCopies, lackingPeers, peersRef } from './copied-policies.ts';
import { canaryDeploymentSelector, canaryLabels, selectorJson } from './copy.ts';
import { specForCanary, specOfPeers } from './network-policies.ts';
import { type Deployment, toJson, without } from './shape.ts';
import { isOfRollout } from './survey.ts';
import { withNewTemplate } from './template.ts';
import { copiedAnnotations, copiedLabels } from './tracking.ts';

export interface Copies {
  readonly companions: readonly Companion[];
  readonly findings: readonly Finding[];
}

const MOST_COPIES = 50;

type Named = Omit<Target, 'router' | 'routes'>;

/** What copies are made from. `canary`: a user's own Deployment that is the canary; null: it is made. */
export interface CopySources {
  readonly seen: Seen;
  readonly request: WorkloadRequest;
  readonly target: Named;
  readonly stable: Deployment;
  readonly canary: Deployment | null;
  readonly service: KubeObject | null;
}

const coveredOf = ({ target, stable, canary, service }: CopySources): Covered => ({
  namespace: target.namespace,
  pods: {
    stable: stable.labels,
    canary: canary?.labels ?? canaryLabels(withNewTemplate(stable, target).labels, target.relabel),
  },
  services:
    service === null || target.canaryService === null
      ? null
      : { stable: service.metadata.labels ?? {}, canary: copiedLabels(service) },
});

const companion = (ref: ObjectRef, of: KubeObject, spec: Fields): Companion => ({
  ref,
  body: toJson({
    apiVersion: ref.apiVersion,
    kind: ref.kind,
    metadata: { labels: copiedLabels(of), annotations: copiedAnnotations(of) },
    spec,
  }),
});

/** The canary Deployment's own selector: it matches the canary's pods, and is known to match no others. */
const podSelector = ({ target, stable, canary }: CopySources): Fields =>
  selectorJson(canary?.selector ?? canaryDeploymentSelector(withNewTemplate(stable, target), target.relabel));

/** The spec of one object as the canary's copy has it. */
const copiedSpec = (kind: CopiedKind, object: KubeObject, sources: CopySources, covered: Covered): Fields => {
  const spec = fieldsOf(object['spec']);
  const selector = podSelector(sources);
  switch (kind) {
    case 'NetworkPolicy':
      return specForCanary(object, covered.pods, selector, covered.namespace);
    case 'PodDisruptionBudget':
      return {
        ...without(spec, new Set(['minAvailable'])),
        selector,
        maxUnavailable: budgetOf(spec, sources.stable.replicas),
      };
    case 'ServiceMonitor':
      // All labels of the canary Service: fewer could be another Service's too.
      return {
        ...without(spec, new Set(['namespaceSelector'])),
        selector: { matchLabels: covered.services?.canary ?? {} },
      };
    case 'PodMonitor':
      return { ...without(spec, new Set(['namespaceSelector'])), selector };
  }
};

const copiesOf = (kind: CopiedKind, sources: CopySources, covered: Covered): readonly Companion[] => {
  const { namespace } = covered;
  const objects = listIn(sources.seen, listRef(COPIED[kind], namespace));
  const copies = lackingCopies(kind, objects, covered).map((object) =>
    companion(copyRef(kind, object, namespace), object, copiedSpec(kind, object, sources, covered)),
  );
  if (kind !== 'NetworkPolicy') return copies;
  const selector = podSelector(sources);
  const peers = lackingPeers(objects, covered).map(({ policy, missing }) =>
    companion(peersRef(policy, namespace), policy, specOfPeers(policy, missing, covered.pods, selector, namespace)),
  );
  return [...copies, ...peers];
};

const tooLarge = (companions: readonly Companion[], namespace: string): readonly Finding[] => {
  const bytes = Buffer.byteLength(JSON.stringify(companions));
  if (companions.length <= MOST_COPIES && bytes <= LARGEST_COMPANIONS_BYTES) return [];
  const message = `The copies for the canary would be ${companions.length} objects of ${Math.ceil(bytes / 1024)} KiB; ${MOST_COPIES} objects and ${LARGEST_COMPANIONS_BYTES / 1024} KiB can be kept in the state.`;
  const advice = 'Copy fewer kinds, or let the large policies select the canary too.';
  return [{ severity: 'error', code: 'policy-mismatch', where: `namespace ${namespace}`, message, advice }];
};

/** A budget of nothing is copied as it is: the user said so, and should hear what it means. */
const strictBudgets = (companions: readonly Companion[]): readonly Finding[] =>
  companions
    .filter(({ ref, body }) => ref.kind === 'PodDisruptionBudget' && isZero(body))
    .map(({ ref }) => ({
      severity: 'warning',
      code: 'policy-mismatch',
      where: refText(ref),
      message: `${refText(ref)} will let no pod of the canary be evicted, as the one that it is a copy of: draining their nodes waits for the end of the rollout.`,
      advice: null,
    }));

const isZero = (body: Companion['body']): boolean =>
  ['0', '0%'].includes(String(fieldsOf(fieldsOf(body)['spec'])['maxUnavailable']));

/** Copies of what covers stable and not the canary, of the kinds that were asked for. */
export const copiesFor = (sources: CopySources): Copies => {
  const covered = coveredOf(sources);
  const companions = sources.request.copy.flatMap((kind) => copiesOf(kind, sources, covered));
  const large = tooLarge(companions, covered.namespace);
  if (large.length > 0) return { companions: [], findings: large };
  return { companions, findings: strictBudgets(companions) };
};

/** Objects that have the name of a copy and are not this rollout's. */
export const namesTaken = (
  { seen, request }: Pick<CopySources, 'seen' | 'request'>,
  companions: readonly Companion[],
): readonly KubeObject[] =>
  companions.flatMap(({ ref }) =>
    listIn(seen, listRef(ref, ref.namespace)).filter(
      (object) => object.metadata.name === ref.name && !isOfRollout(object, request),
    ),
  );
