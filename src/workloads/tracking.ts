import { MARK_PREFIX } from '../core/marks.ts';
import type { KubeObject } from '../core/objects.ts';

type Strings = Readonly<Record<string, string>>;

export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const MANAGER = 'canary-rollout';
export const INSTANCE = 'app.kubernetes.io/instance';

/** Marks by which a delivery tool finds what it owns, as prefixes or whole keys, on objects and in templates. */
const TRACKING = [
  'argocd.argoproj.io/',
  'applications.argoproj.io/',
  'kustomize.toolkit.fluxcd.io/',
  'helm.toolkit.fluxcd.io/',
  'meta.helm.sh/',
  'helm.sh/',
] as const;

/** What belongs to the one object it was written for. */
const OF_ONE_OBJECT = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/',
  // A DNS name of stable's would get a second target that no route weighs.
  'external-dns.alpha.kubernetes.io/',
  'external-dns.kubernetes.io/',
  // Written by GKE about the Service it is on.
  'cloud.google.com/neg-status',
  MARK_PREFIX,
] as const;

const startsWithOne = (key: string, prefixes: readonly string[]): boolean =>
  prefixes.some((prefix) => key.startsWith(prefix));

/** Whether a copy never carries this label or annotation. */
export const isOfOriginal = (key: string): boolean => startsWithOne(key, [...TRACKING, ...OF_ONE_OBJECT]);

const dropped = (entries: Strings, drop: (key: string) => boolean): Strings =>
  Object.fromEntries(Object.entries(entries).filter(([key]) => !drop(key)));

/** Labels or annotations of a pod template without what a tool or the old object owns. */
export const untracked = (entries: Strings): Strings => dropped(entries, isOfOriginal);

/**
 * Argo CD's label tracking takes every object with `app.kubernetes.io/instance` for one of its own and prunes what is
 * not in git. The label is kept only where something shows that it is not that: Argo CD's annotation tracking, a Helm
 * release, Flux. (Pods have an owner, so in templates the label is never tracking.)
 */
const instanceMayBeTracking = (object: KubeObject): boolean => {
  const keys = [...Object.keys(object.metadata.annotations ?? {}), ...Object.keys(object.metadata.labels ?? {})];
  return !keys.some(
    (key) =>
      key === 'argocd.argoproj.io/tracking-id' ||
      key.startsWith('meta.helm.sh/release-') ||
      key.startsWith('kustomize.toolkit.fluxcd.io/') ||
      key.startsWith('helm.toolkit.fluxcd.io/'),
  );
};

/**
 * Labels of a created object: stable's, so that what selects objects by label (a ServiceMonitor) finds the copy too,
 * without anything that says that somebody else owns it.
 */
export const copiedLabels = (object: KubeObject): Strings => ({
  ...dropped(
    untracked(object.metadata.labels ?? {}),
    (key) => key === MANAGED_BY || (key === INSTANCE && instanceMayBeTracking(object)),
  ),
  [MANAGED_BY]: MANAGER,
});

export const copiedAnnotations = (object: KubeObject): Strings => untracked(object.metadata.annotations ?? {});
