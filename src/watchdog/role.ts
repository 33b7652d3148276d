import { CONFIG_MAP, DEPLOYMENT, groupOf, LEASE, type ObjectRef, objectRef, SERVICE } from '../core/objects.ts';
import type { Plan, Target } from '../core/plan.ts';
import { storeName } from '../core/store-name.ts';
import { watchdogName } from './job.ts';

/** What returns traffic: the routes and the canary Service, or the canary Deployment where its size is the weight. */
const patched = ({ namespace, routes, canaryService, canaryDeployment }: Target): readonly ObjectRef[] =>
  routes.length === 0
    ? [objectRef(DEPLOYMENT, namespace, canaryDeployment)]
    : [...routes, ...(canaryService === null ? [] : [objectRef(SERVICE, namespace, canaryService)])];

const rule = (ref: ObjectRef, verbs: string): string =>
  `  - { apiGroups: ["${groupOf(ref)}"], resources: ["${ref.plural}"], resourceNames: [${JSON.stringify(ref.name)}], verbs: [${verbs}] }`;

/** The rights of the Job, and who gets them: every object by its name. The action never creates them. */
export const roleOf = ({ target, watchdog }: Plan): string | null => {
  if (watchdog === null) return null;
  const { namespace, deployment } = target;
  const name = watchdogName(deployment);
  const metadata = `metadata: { name: ${JSON.stringify(name)}, namespace: ${JSON.stringify(namespace)} }`;
  const own = [LEASE, CONFIG_MAP].map((type) => objectRef(type, namespace, storeName(deployment)));
  return [
    'apiVersion: rbac.authorization.k8s.io/v1',
    'kind: Role',
    metadata,
    'rules:',
    ...own.map((ref) => rule(ref, 'get')),
    ...patched(target).map((ref) => rule(ref, 'get, patch')),
    '---',
    'apiVersion: rbac.authorization.k8s.io/v1',
    'kind: RoleBinding',
    metadata,
    `roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: ${JSON.stringify(name)} }`,
    'subjects:',
    `  - { kind: ServiceAccount, name: ${JSON.stringify(watchdog.serviceAccount)}, namespace: ${JSON.stringify(namespace)} }`,
    '',
  ].join('\n');
};
