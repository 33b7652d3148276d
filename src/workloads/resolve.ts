import { COPIED } from '../core/copied-kinds.ts';
import type { KubeObject, Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { Workload, WorkloadRequest } from '../ports/workload.ts';
import { noLabels, relabelling, strangerFindings, trackingFindings } from './apart.ts';
import { healthFindings, missingDeployment, ownerFindings } from './checks.ts';
import { copiesFor, namesTaken } from './copies.ts';
import { findService, sharedServiceFindings } from './find-service.ts';
import { chooseImages } from './images.ts';
import { canaryServiceName } from './labels.ts';
import { templateOfManifest } from './manifest.ts';
import { adoptPair } from './pair.ts';
import { scalingOf } from './scaling.ts';
import { type Deployment, isRolledOut } from './shape.ts';
import { isOfRollout, type Survey, surveyOf } from './survey.ts';
import { isSameTemplate } from './template.ts';
import { MANAGED_BY, MANAGER } from './tracking.ts';
import { chooseVersion, movingLabels } from './version.ts';

type Resolved = ReturnType<Workload['resolve']>;

/** What a Deployment of this name is for where two versions are kept side by side. */
const PAIRED = ' To have it as the canary, name it with `canary-deployment`.';

const occupied = (survey: Survey, kind: string, object: KubeObject): Finding => {
  const { namespace } = survey.request;
  const where = `${kind} ${namespace}/${object.metadata.name}`;
  const remove = `kubectl -n ${namespace} delete ${kind.toLowerCase()} ${object.metadata.name}`;
  const found = { severity: 'error', code: 'object-exists', where } as const;
  if (object.metadata.deletionTimestamp !== undefined) {
    return { ...found, message: `${where} is still being deleted.`, advice: 'Run again when it is gone.' };
  }
  if (object.metadata.labels?.[MANAGED_BY] === MANAGER && kind in COPIED) {
    // One policy may be for the pods of several Deployments, and its copy in the middle of another's release.
    const advice = `Wait until that one has ended; if none is open, remove it with \`${remove}\`.`;
    return { ...found, message: `${where} was made by another rollout, and the copy needs its name.`, advice };
  }
  return object.metadata.labels?.[MANAGED_BY] === MANAGER
    ? { ...found, message: `${where} was left by another rollout.`, advice: `Remove it with \`${remove}\`.` }
    : {
        ...found,
        message: `${where} exists and is not ours, and the canary needs its name.`,
        advice: `Rename it, or remove it with \`${remove}\` if nothing needs it.${kind === 'Deployment' ? PAIRED : ''}`,
      };
};

const existingFindings = (survey: Survey, canaryService: string | null): readonly Finding[] => {
  const isForeign = (object: KubeObject): boolean => !isOfRollout(object, survey.request);
  return [
    ...survey.deployments
      .filter(({ name, object }) => name === survey.canaryDeployment && isForeign(object))
      .filter(({ name }) => name !== survey.request.canaryDeployment)
      .map(({ object }) => occupied(survey, 'Deployment', object)),
    ...survey.services
      .filter((service) => service.metadata.name === canaryService && isForeign(service))
      .map((service) => occupied(survey, 'Service', service)),
  ];
};

/** The target with the copies that were asked for. */
const withCopies = (
  seen: Seen,
  survey: Survey,
  stable: Deployment,
  service: KubeObject | null,
  target: NonNullable<Resolved['target']>,
): Resolved => {
  const { request } = survey;
  const canary =
    target.pair === null ? null : (survey.deployments.find(({ name }) => name === target.canaryDeployment) ?? null);
  const { companions, findings } = copiesFor({ seen, request, target, stable, canary, service });
  const taken = namesTaken({ seen, request }, companions).map((object) => occupied(survey, object.kind, object));
  return {
    target: { ...target, companions: [...target.companions, ...companions] },
    findings: [...findings, ...taken],
  };
};

const resolveFor = (seen: Seen, survey: Survey, stable: Deployment): Resolved => {
  const { request } = survey;
  const { version, findings: versionFindings } = chooseVersion(survey, stable);
  const next = version?.next ?? stable;
  const { service, findings: serviceFindings } = findService(survey, stable);
  const adoption = adoptPair(survey, stable, version, service);
  const adopted = adoption?.adopted ?? null;
  const made = service === null || request.unit === 'pods' ? null : canaryServiceName(service.metadata.name);
  const canaryService = adopted === null ? made : adopted.canaryService;
  const tracking = adoption === null ? trackingFindings(survey, stable, service) : [];
  const scaling = scalingOf(survey, stable);
  const labels = tracking.length > 0 || adoption !== null ? null : relabelling(survey, next, service);
  const relabel = adopted?.relabel ?? (labels?.kind === 'found' ? labels.relabel : null);
  const findings = [
    ...healthFindings(survey, stable),
    ...ownerFindings(survey, stable),
    ...scaling.findings,
    ...versionFindings,
    ...serviceFindings,
    ...(service === null ? [] : sharedServiceFindings(survey, stable, service)),
    ...tracking,
    ...(adoption?.findings ?? []),
    ...existingFindings(survey, canaryService),
    ...(labels?.kind === 'impossible' ? [noLabels(survey, stable, service, labels.what)] : []),
    ...(labels?.kind === 'found' ? strangerFindings(survey, next, service, labels.relabel) : []),
    ...(labels?.kind === 'found' ? movingLabels(survey, stable, next, labels.relabel) : []),
  ];
  if (relabel === null || version === null) return { target: null, findings };
  const target: Omit<Target, 'router' | 'routes'> = {
    rolloutId: request.rolloutId,
    namespace: request.namespace,
    deployment: stable.name,
    canaryDeployment: survey.canaryDeployment,
    service: service?.metadata.name ?? null,
    canaryService,
    relabel,
    images: version.images,
    template: adopted === null ? version.template : null,
    ...(version.manifest === undefined ? {} : { manifest: version.manifest }),
    companions: scaling.companions,
    autoscaler: scaling.autoscaler,
    pair: adopted?.pair ?? null,
    annotations: request.annotations,
  };
  const copies = withCopies(seen, survey, stable, service, target);
  return { target: copies.target, findings: [...findings, ...copies.findings] };
};

/** Every reason not to start, at once. A target is given whenever one can be made: checks of others need it too. */
export const resolve = (seen: Seen, request: WorkloadRequest): Resolved => {
  const survey = surveyOf(seen, request);
  return survey.stable === null
    ? { target: null, findings: [missingDeployment(seen, survey)] }
    : resolveFor(seen, survey, survey.stable);
};

/** Whether all of stable runs this version already and is ready. The version before is never the one that runs. */
export const isUnchanged = (seen: Seen, request: WorkloadRequest): boolean => {
  const { stable } = surveyOf(seen, request);
  if (request.version.kind === 'previous') return false;
  if (stable === null || stable.paused || stable.replicas === 0 || !isRolledOut(stable)) return false;
  if (request.version.kind === 'manifest') return isSameTemplate(stable.template, templateOfManifest(request.version));
  const { images, findings } = chooseImages(stable, request.version.images);
  return (
    findings.length === 0 &&
    images.length > 0 &&
    images.every(({ container, image }) =>
      stable.containers.some((one) => one.name === container && one.image === image),
    )
  );
};
