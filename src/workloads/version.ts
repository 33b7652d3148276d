import { changedPaths } from '../core/changed-paths.ts';
import { manifestHash } from '../core/manifest.ts';
import type { KubeObject } from '../core/objects.ts';
import type { ContainerImage } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { fieldsOf } from '../core/shape.ts';
import type { Json } from '../core/units.ts';
import { revisionOf } from './arms.ts';
import { chooseImages } from './images.ts';
import { type ManifestVersion, templateOfManifest } from './manifest.ts';
import { matches, selects } from './selectors.ts';
import { type Deployment, toJson } from './shape.ts';
import { ownedBy, type Survey } from './survey.ts';
import { isSameTemplate, templateOf, withTemplate } from './template.ts';

/** What is released: images into stable's template, or a whole template. */
export interface Version {
  /** Stable as it will be, as far as its labels and containers go. */
  readonly next: Deployment;
  readonly images: readonly ContainerImage[];
  readonly template: Json | null;
  readonly manifest?: string;
}

interface Chosen {
  /** null: there is none. */
  readonly version: Version | null;
  readonly findings: readonly Finding[];
}

const whereOf = ({ request }: Survey): string => `Deployment ${request.namespace}/${request.deployment}`;

const nothing = (survey: Survey, stable: Deployment): Finding => {
  const where = whereOf(survey);
  const keepsNone = fieldsOf(stable.object['spec'])['revisionHistoryLimit'] === 0;
  const again = 'Release the earlier image with `command: run`';
  return {
    severity: 'error',
    code: 'nothing-to-roll-back',
    where,
    message: keepsNone
      ? `${where} keeps no earlier ReplicaSet (revisionHistoryLimit: 0), so nothing says what it ran before.`
      : `${where} has no earlier ReplicaSet with another pod template.`,
    advice: keepsNone ? `${again}, and set revisionHistoryLimit to 1 or more for the next time.` : `${again}.`,
  };
};

/** The newest ReplicaSet of stable's that is not of its current template: what `kubectl rollout undo` would take. */
const previousOf = (survey: Survey, stable: Deployment): KubeObject | null => {
  const [newest] = ownedBy(stable, survey.replicaSets)
    .filter((replicaSet) => !isSameTemplate(templateOf(replicaSet), stable.template))
    .sort((one, other) => revisionOf(other) - revisionOf(one));
  return newest ?? null;
};

/** What the new template is called in messages. */
const nameOf = ({ request }: Survey): string =>
  request.version.kind === 'manifest' ? 'the manifest' : 'the version before';

const unsafe = (survey: Survey, message: string): Finding => ({
  severity: 'error',
  code: 'unsafe-labels',
  where: whereOf(survey),
  message,
  advice:
    survey.request.version.kind === 'manifest'
      ? 'Keep this label in the pod template as it is in the cluster.'
      : 'Release the earlier image with `command: run`, which keeps the labels as they are now.',
});

/** The old labels once kept its pods in these selectors; who has changed a selector since would lose them by a promotion. */
const labelFindings = (survey: Survey, stable: Deployment, next: Deployment): readonly Finding[] => {
  const lost = survey.services.filter((service) => selects(service, stable.labels) && !selects(service, next.labels));
  return [
    ...(matches(stable.selector, next.labels)
      ? []
      : [unsafe(survey, `${whereOf(survey)} does not select pods of ${nameOf(survey)}.`)]),
    ...lost.map(({ metadata }) =>
      unsafe(survey, `Service ${metadata.name} selects the pods of now, but not those of ${nameOf(survey)}.`),
    ),
  ];
};

const LISTED = 10;

/** A rollback takes configuration back with the image, which whoever asks for it may not have in mind. */
const moreThanImages = (survey: Survey, stable: Deployment, next: Deployment, revision: number): readonly Finding[] => {
  const paths = changedPaths(stable.template, next.template, 'template').filter((path) => !path.endsWith('.image'));
  if (paths.length === 0) return [];
  const more = paths.length > LISTED ? `, and ${paths.length - LISTED} more` : '';
  const message = `Revision ${revision} of ${whereOf(survey)} differs from now in more than images: ${paths.slice(0, LISTED).join(', ')}${more}.`;
  return [{ severity: 'warning', code: 'stable-changed', where: whereOf(survey), message, advice: null }];
};

const imagesOf = (stable: Deployment, next: Deployment): readonly ContainerImage[] => {
  const changed = next.containers.filter(
    ({ name, image }) => !stable.containers.some((one) => one.name === name && one.image === image),
  );
  // The same images in another configuration: they are what is judged all the same.
  const released = changed.length > 0 ? changed : next.containers.filter(({ list }) => list === 'containers');
  return released.map(({ name, image }) => ({ container: name, image }));
};

const previousVersion = (survey: Survey, stable: Deployment): Chosen => {
  const replicaSet = previousOf(survey, stable);
  if (replicaSet === null) return { version: null, findings: [nothing(survey, stable)] };
  const template = templateOf(replicaSet);
  const next = withTemplate(stable, template);
  return {
    version: { next, images: imagesOf(stable, next), template: toJson(template) },
    findings: [...labelFindings(survey, stable, next), ...moreThanImages(survey, stable, next, revisionOf(replicaSet))],
  };
};

const manifestVersion = (survey: Survey, stable: Deployment, asked: ManifestVersion): Chosen => {
  const template = templateOfManifest(asked);
  const next = withTemplate(stable, template);
  return {
    version: {
      next,
      images: imagesOf(stable, next),
      template: toJson(template),
      manifest: manifestHash(asked.manifest),
    },
    findings: labelFindings(survey, stable, next),
  };
};

/** What the request wants to release, from what the namespace holds. */
export const chooseVersion = (survey: Survey, stable: Deployment): Chosen => {
  const { version } = survey.request;
  if (version.kind === 'previous') return previousVersion(survey, stable);
  if (version.kind === 'manifest') return manifestVersion(survey, stable, version);
  const { images, findings } = chooseImages(stable, version.images);
  return { version: { next: stable, images, template: null }, findings };
};

/**
 * Labels that tell the arms apart must have one value in stable's old and new template: pods of both versions are looked
 * for by it while stable is updated.
 */
export const movingLabels = (
  survey: Survey,
  stable: Deployment,
  next: Deployment,
  relabel: Readonly<Record<string, string>>,
): readonly Finding[] =>
  Object.keys(relabel)
    .filter((key) => stable.labels[key] !== next.labels[key])
    .map((key) => unsafe(survey, `The label ${key} of ${nameOf(survey)} has another value than now.`));
