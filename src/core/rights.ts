import type { Permission } from './objects.ts';

const LIFE: readonly string[] = ['get', 'create', 'patch', 'delete'];
const ORDER: readonly string[] = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** What every rollout needs, whatever its router and workload. */
export const OWN_PERMISSIONS: readonly Permission[] = [
  {
    group: '',
    resource: 'configmaps',
    verbs: LIFE,
    // Without it the commands are looked for every four seconds.
    optional: ['watch'],
    why: 'keep the state of the rollout',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: LIFE,
    why: 'lock the Deployment against a second rollout',
  },
  { group: '', resource: 'pods/log', verbs: ['get'], why: 'show the last lines of failing canary pods' },
];

const keyOf = ({ namespace, group, resource }: Permission): string => `${namespace ?? ''}/${group}/${resource}`;

const inOrder = (...lists: readonly (readonly string[])[]): readonly string[] =>
  ORDER.filter((verb) => lists.some((list) => list.includes(verb)));

const merge = (one: Permission, other: Permission): Permission => {
  const { optional: _optional, ...rest } = one;
  const verbs = inOrder(one.verbs, other.verbs);
  const optional = inOrder(one.optional ?? [], other.optional ?? []).filter((verb) => !verbs.includes(verb));
  const why = one.why === other.why ? one.why : `${one.why}; ${other.why}`;
  return { ...rest, verbs, why, ...(optional.length === 0 ? {} : { optional }) };
};

/** One entry a resource, verbs in the order of the Kubernetes documentation, in the order of first mention. */
export const mergePermissions = (permissions: readonly Permission[]): readonly Permission[] => {
  const merged = new Map<string, Permission>();
  for (const permission of permissions) {
    const before = merged.get(keyOf(permission));
    merged.set(keyOf(permission), merge(before ?? permission, permission));
  }
  return [...merged.values()];
};

const optionalText = ({ verbs, optional = [] }: Permission): string => {
  if (optional.length === 0) return '';
  return verbs.length === 0 ? ' # optional' : ` # optional: ${optional.join(', ')}`;
};

const ruleText = (permission: Permission): string => {
  const { group, resource, verbs, optional = [] } = permission;
  const all = inOrder(verbs, optional).join(', ');
  return `  - { apiGroups: ["${group}"], resources: ["${resource}"], verbs: [${all}] }${optionalText(permission)}`;
};

/**
 * The Role that allows these permissions in one namespace, as YAML to paste. Those of other namespaces are left out. A
 * comment tells what may be left out of a line, or that the line may.
 */
export const roleYaml = (permissions: readonly Permission[], namespace: string, name = 'canary-rollout'): string => {
  const rules = mergePermissions(permissions.filter((one) => (one.namespace ?? namespace) === namespace));
  return [
    'apiVersion: rbac.authorization.k8s.io/v1',
    'kind: Role',
    `metadata: { name: ${name}, namespace: ${JSON.stringify(namespace)} }`,
    'rules:',
    ...rules.map(ruleText),
    '',
  ].join('\n');
};
