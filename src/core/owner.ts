import { entriesOf, type FieldPath, pathOf } from './field-managers.ts';
import { type KubeObject, type ObjectRef, objectIn, refKey, type Seen } from './objects.ts';
import type { Ms } from './units.ts';

/** Who puts an object back to what stands elsewhere: in git, in a chart. */
export interface Owner {
  /** `helm`: the command line, which does nothing before its next upgrade. */
  readonly tool: 'argo-cd' | 'kustomization' | 'helm-release' | 'helm';
  /** Of the Application, Kustomization, HelmRelease or Helm release; null: the object does not tell. */
  readonly name: string | null;
  readonly namespace: string | null;
  /** The ApplicationSet that the Application comes from. */
  readonly set: string | null;
}

type Marks = Readonly<Record<string, string>>;

/** Controllers that bring an object back by themselves, by the field managers under which they write. */
const CONTROLLERS: readonly (readonly [manager: RegExp, tool: Owner['tool']])[] = [
  [/^argocd-(application-)?controller$/, 'argo-cd'],
  [/^kustomize-controller$/, 'kustomization'],
  [/^helm-controller$/, 'helm-release'],
];

/** Names are shown and stand in snippets: what is no name of Kubernetes is not told. */
const nameIn = (text: string | undefined): string | null =>
  text !== undefined && /^[a-z0-9]([-a-z0-9._]{0,251}[a-z0-9])?$/.test(text) ? text : null;

/**
 * Who owns an object: by the marks that delivery tools leave on it, or by who owns the fields at these paths now. A mark
 * counts even where somebody else wrote the fields last: the tool compares with git, not with who wrote. Objects tell
 * neither whether Argo CD heals by itself, nor an interval. null: nobody is known to.
 */
export const ownerOf = (object: KubeObject, paths: readonly FieldPath[]): Owner | null => {
  const { labels = {}, annotations = {} } = object.metadata;
  const entries = entriesOf(object);
  const controllers = CONTROLLERS.filter(([manager]) => entries.some((entry) => manager.test(entry.manager)));
  const holding = CONTROLLERS.filter(([manager]) =>
    entries.some((entry) => manager.test(entry.manager) && paths.some((path) => entry.owns(path))),
  ).map(([, tool]) => tool);
  const writes = controllers.map(([, tool]) => tool);
  const marked = [
    argoCd(object, labels, annotations, writes.includes('argo-cd')),
    kustomization(labels, annotations),
    helmRelease(labels, annotations),
    helm(
      labels,
      annotations,
      entries.some(({ manager }) => manager === 'helm'),
    ),
  ].find((owner) => owner !== null);
  const [tool] = holding.filter((one) => !isLeftAlone(one, labels, annotations));
  return marked ?? (tool === undefined ? null : { tool, name: null, namespace: null, set: null });
};

/** The routes that somebody owns; `fields` as the router writes them, by `refKey`. */
export const routeOwners = (
  seen: Seen,
  routes: readonly ObjectRef[],
  fields: Readonly<Record<string, readonly string[]>>,
): readonly { readonly route: ObjectRef; readonly owner: Owner }[] =>
  routes.flatMap((route) => {
    const object = objectIn(seen, route);
    const owner = object === null ? null : ownerOf(object, (fields[refKey(route)] ?? []).map(pathOf));
    return owner === null ? [] : [{ route, owner }];
  });

/**
 * https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/: the annotation is `APP:GROUP/KIND:NAMESPACE/NAME`,
 * and one that names another object was copied and does not count. `app.kubernetes.io/instance` is everybody's label: it
 * needs Argo CD's own hand in the object.
 */
const argoCd = (object: KubeObject, labels: Marks, annotations: Marks, writes: boolean): Owner | null => {
  const set = nameIn(labels['argocd.argoproj.io/application-set-name']);
  const tracked = trackedBy(object, annotations['argocd.argoproj.io/tracking-id']);
  if (tracked !== null) return { tool: 'argo-cd', ...applicationOf(tracked), set };
  const label = labels['argocd.argoproj.io/instance'] ?? (writes ? labels['app.kubernetes.io/instance'] : undefined);
  return label === undefined ? null : { tool: 'argo-cd', ...applicationOf(label), set };
};

const trackedBy = ({ apiVersion, kind, metadata }: KubeObject, id: string | undefined): string | null => {
  const [application, type, place, ...rest] = (id ?? '').split(':');
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
  const isItself = type === `${group}/${kind}` && place === `${metadata.namespace ?? ''}/${metadata.name}`;
  return application !== undefined && isItself && rest.length === 0 ? application : null;
};

/** `NAMESPACE_NAME` where Applications may be in any namespace. */
const applicationOf = (text: string): Pick<Owner, 'name' | 'namespace'> => {
  const [first, second] = text.split('_');
  return second === undefined
    ? { name: nameIn(first), namespace: null }
    : { name: nameIn(second), namespace: nameIn(first) };
};

const kustomization = (labels: Marks, annotations: Marks): Owner | null => {
  const name = labels['kustomize.toolkit.fluxcd.io/name'];
  if (name === undefined || isLeftAlone('kustomization', labels, annotations)) return null;
  const namespace = nameIn(labels['kustomize.toolkit.fluxcd.io/namespace']);
  return { tool: 'kustomization', name: nameIn(name), namespace, set: null };
};

/** With drift detection off for this object, Flux writes it at upgrades only, as the command line does. */
const helmRelease = (labels: Marks, annotations: Marks): Owner | null => {
  const name = labels['helm.toolkit.fluxcd.io/name'];
  if (name === undefined) return null;
  const tool = isLeftAlone('helm-release', labels, annotations) ? 'helm' : 'helm-release';
  const namespace = nameIn(labels['helm.toolkit.fluxcd.io/namespace']);
  return { tool, name: nameIn(name), namespace, set: null };
};

const helm = (labels: Marks, annotations: Marks, writes: boolean): Owner | null => {
  const release = annotations['meta.helm.sh/release-name'];
  if (release === undefined && !(writes && labels['app.kubernetes.io/managed-by'] === 'Helm')) return null;
  const namespace = nameIn(annotations['meta.helm.sh/release-namespace']);
  return { tool: 'helm', name: nameIn(release), namespace, set: null };
};

/** Marks that tell Flux to leave an object as it is: https://fluxcd.io/flux/components/kustomize/kustomizations/ and …/helm/helmreleases/. */
const LEFT_ALONE: Partial<Record<Owner['tool'], readonly (readonly [key: string, value: RegExp])[]>> = {
  kustomization: [
    ['kustomize.toolkit.fluxcd.io/reconcile', /^disabled$/i],
    ['kustomize.toolkit.fluxcd.io/ssa', /^(ifnotpresent|ignore)$/i],
  ],
  'helm-release': [['helm.toolkit.fluxcd.io/driftDetection', /^disabled$/i]],
};

const isLeftAlone = (tool: Owner['tool'], labels: Marks, annotations: Marks): boolean =>
  (LEFT_ALONE[tool] ?? []).some(([key, value]) => value.test(annotations[key] ?? labels[key] ?? ''));

/**
 * How long a new route entry has to stand before it is trusted. Argo CD compares when it sees a change, and tries to heal
 * again after 5 s (`--self-heal-timeout-seconds`): three times that. Flux looks once per interval, 60 s at least and 10 min
 * in most clusters: no wait before the first weight would find it.
 */
export const standingTime = (owners: readonly Owner[]): Ms =>
  owners.some(({ tool }) => tool === 'argo-cd') ? 15_000 : 0;

/** `the Argo CD Application checkout`, for sentences. */
export const ownerText = ({ tool, name, namespace, set }: Owner): string => {
  const named = name === null ? '' : ` ${namespace === null ? '' : `${namespace}/`}${name}`;
  switch (tool) {
    case 'argo-cd':
      return name === null
        ? 'Argo CD'
        : `the Argo CD Application${named}${set === null ? '' : ` (ApplicationSet ${set})`}`;
    case 'kustomization':
      return name === null ? "Flux's kustomize-controller" : `the Flux Kustomization${named}`;
    case 'helm-release':
      return name === null ? "Flux's helm-controller" : `the Flux HelmRelease${named}`;
    case 'helm':
      return name === null ? 'Helm' : `the Helm release${named}`;
  }
};
