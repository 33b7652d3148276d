/** A rule as a Role states it. `*` matches all; no `resourceNames` means every name, no `namespaces` every namespace. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly namespaces?: readonly string[];
}

export interface Identity {
  readonly user: string;
  readonly rules: readonly Rule[];
}

export interface AccessRequest {
  readonly verb: string;
  readonly group: string;
  /** `deployments` or `deployments/scale`. */
  readonly resource: string;
  readonly name: string;
  /** `''`: the whole cluster. */
  readonly namespace: string;
}

export const EVERYTHING: readonly Rule[] = [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }];
export const ANONYMOUS: Identity = { user: 'system:anonymous', rules: [] };

const includes = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted);

/** The decision of RBAC, also for the answers to a SelfSubjectAccessReview. */
export const isAllowed = ({ rules }: Identity, request: AccessRequest): boolean =>
  rules.some(
    (rule) =>
      includes(rule.apiGroups, request.group) &&
      includes(rule.resources, request.resource) &&
      includes(rule.verbs, request.verb) &&
      (rule.resourceNames === undefined || rule.resourceNames.includes(request.name)) &&
      (rule.namespaces === undefined || rule.namespaces.includes(request.namespace)),
  );
