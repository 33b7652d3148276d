import { type ListRef, listIn, listRef, type ResourceKind, refKey, type Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { fieldsOf, listOf, textOf } from '../core/shape.ts';
import type { Hazard } from '../ports/hazard.ts';
import { deploymentIn } from '../workloads/arms.ts';
import { items, plain } from '../workloads/shape.ts';
import { withNewTemplate } from '../workloads/template.ts';

const CLAIM: ResourceKind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims' };

const claims = ({ namespace }: Target): ListRef => listRef(CLAIM, namespace);

/** Claims that the new version's pods mount by name; generic ephemeral volumes have one of their own for each pod. */
const claimNames = (seen: Seen, target: Target): readonly string[] => {
  const stable = deploymentIn(seen, target, 'stable');
  if (stable === null) return [];
  const { template } = withNewTemplate(stable, target);
  const names = items(fieldsOf(template['spec'])['volumes']).map((volume) =>
    textOf(fieldsOf(volume['persistentVolumeClaim'])['claimName']),
  );
  return [...new Set(names.filter((name) => name !== null))];
};

type Mode = 'shared' | 'one-node' | 'one-pod';

/** What is bound may do less than what was asked for. */
const modeOf = (claim: Readonly<Record<string, unknown>>): Mode => {
  const bound = listOf(fieldsOf(claim['status'])['accessModes']);
  const modes = bound.length > 0 ? bound : listOf(fieldsOf(claim['spec'])['accessModes']);
  if (modes.includes('ReadWriteMany') || modes.includes('ReadOnlyMany')) return 'shared';
  return modes.includes('ReadWriteOnce') ? 'one-node' : modes.includes('ReadWriteOncePod') ? 'one-pod' : 'shared';
};

const SHARE = 'Use a volume that can be mounted ReadWriteMany, or keep that state outside the pods.';

const refused = (name: string, { namespace }: Target, why: string, advice: string, isAllowable: boolean): Finding => {
  const where = `PersistentVolumeClaim ${namespace}/${plain(name)}`;
  return {
    severity: 'error',
    code: 'unsafe-strategy',
    where,
    message: `${where} ${why}`,
    advice,
    ...(isAllowable ? { allow: `PersistentVolumeClaim/${plain(name)}` } : {}),
  };
};

const find = (seen: Seen, target: Target): readonly Finding[] => {
  const listed = listIn(seen, claims(target));
  if (!seen.lists.has(refKey(claims(target)))) return [];
  return claimNames(seen, target).flatMap((name) => {
    const claim = listed.find(({ metadata }) => metadata.name === name);
    if (claim === undefined) {
      const why = "does not exist, and the new version's pods would wait for it.";
      return [refused(name, target, why, 'Create it first.', true)];
    }
    const mode = modeOf(claim);
    if (mode === 'shared') return [];
    return mode === 'one-pod'
      ? [refused(name, target, 'is ReadWriteOncePod: a canary pod could not start beside stable’s.', SHARE, false)]
      : [
          refused(
            name,
            target,
            'is ReadWriteOnce: only one node can mount it, so a canary pod on another would not start, and on the same node both versions would write to it.',
            SHARE,
            true,
          ),
        ];
  });
};

/** Volumes that two versions cannot have at the same time. */
export const volumes: Hazard = {
  name: 'volumes',
  rows: [
    {
      hazard: 'a ReadWriteOnce volume of stable',
      handling: 'refuses',
      code: 'unsafe-strategy',
      override: '`allow: PersistentVolumeClaim/NAME`, where all pods run on one node and may write side by side',
    },
    {
      hazard: 'a ReadWriteOncePod volume of stable',
      handling: 'refuses',
      code: 'unsafe-strategy',
      override: null,
    },
    {
      hazard: 'a PersistentVolumeClaim that does not exist',
      handling: 'refuses',
      code: 'unsafe-strategy',
      override: '`allow: PersistentVolumeClaim/NAME`, where something makes it in time',
    },
  ],
  reads: ({ target }, seen) => (claimNames(seen, target).length > 0 ? [claims(target)] : []),
  permissions: [
    {
      group: '',
      resource: 'persistentvolumeclaims',
      verbs: [],
      optional: ['list'],
      why: "tell whether two versions can mount stable's volumes",
    },
  ],
  find: ({ target }, seen) => find(seen, target),
};
