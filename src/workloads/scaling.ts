import { HORIZONTAL_POD_AUTOSCALER, type KubeObject, objectRef, SCALED_OBJECT } from '../core/objects.ts';
import type { Autoscaler, Companion } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import { countOf, fieldsOf, textOf } from '../core/shape.ts';
import { MAX_REPLICAS, MIN_REPLICAS } from './autoscaler.ts';
import { type Deployment, plain, toJson, without } from './shape.ts';
import { isOfRollout, type Survey } from './survey.ts';
import { copiedAnnotations, copiedLabels } from './tracking.ts';

export interface Scaling {
  readonly autoscaler: Autoscaler | null;
  /** The canary's own copy of stable's HorizontalPodAutoscaler. */
  readonly companions: readonly Companion[];
  readonly findings: readonly Finding[];
}

const PAUSED = 'autoscaling.keda.sh/paused';
/** KEDA scales to this count, holds it, and `paused` has no say (keda.sh/docs, Pausing autoscaling). */
const PAUSED_REPLICAS = 'autoscaling.keda.sh/paused-replicas';
/** Written by autoscaling/v1 in place of fields of v2. */
const OF_V1 = 'autoscaling.alpha.kubernetes.io/';

const NOTHING: Scaling = { autoscaler: null, companions: [], findings: [] };

const refused = (where: string, message: string, advice: string, allow?: string): Finding => ({
  severity: 'error',
  code: 'autoscaler',
  where,
  message,
  advice,
  ...(allow === undefined ? {} : { allow }),
});

/** Groups that a Deployment is, or was, in: the controller finds it by group and kind, whatever the version. */
const GROUPS = ['apps', 'extensions', ''];

const targets = (autoscaler: KubeObject, deployment: string): boolean => {
  const target = fieldsOf(fieldsOf(autoscaler['spec'])['scaleTargetRef']);
  const version = textOf(target['apiVersion']) ?? '';
  const group = version.includes('/') ? (version.split('/')[0] ?? '') : '';
  // KEDA's default kind is Deployment.
  const kind = textOf(target['kind']) ?? 'Deployment';
  return kind === 'Deployment' && target['name'] === deployment && GROUPS.includes(group);
};

type Scaler = { readonly kind: 'ScaledObject' | 'HorizontalPodAutoscaler'; readonly object: KubeObject };

const scalersOf = (survey: Survey, deployment: string): readonly Scaler[] => {
  const isOfKeda = ({ metadata }: KubeObject): boolean =>
    survey.scaledObjects.some(({ metadata: { name } }) =>
      metadata.ownerReferences?.some((owner) => owner.kind === 'ScaledObject' && owner.name === name),
    );
  return [
    ...survey.scaledObjects.map((object) => ({ kind: 'ScaledObject', object }) as const),
    // KEDA makes and removes its own HPA; what is said about the ScaledObject is true of it.
    ...survey.autoscalers
      .filter((object) => !isOfKeda(object))
      .map((object) => ({ kind: 'HorizontalPodAutoscaler', object }) as const),
  ].filter(({ object }) => targets(object, deployment));
};

const whereOf = ({ request }: Survey, { kind, object }: Scaler): string =>
  `${kind} ${request.namespace}/${object.metadata.name}`;

/** As `makePlan` counts the start: what is wanted, or more that is ready. */
const startOf = ({ replicas, status }: Deployment): number => Math.max(replicas, status.ready);

const heldBounds = (
  bounds: { readonly minimum: number | null; readonly maximum: number },
  start: number,
  unit: Survey['request']['unit'],
): Autoscaler['fields'] => [
  ...((bounds.minimum ?? 1) < start ? [{ path: MIN_REPLICAS, was: bounds.minimum, held: start }] : []),
  // Where pods are the weight, one more pod of stable is another weight.
  ...(unit === 'pods' && bounds.maximum !== start ? [{ path: MAX_REPLICAS, was: bounds.maximum, held: start }] : []),
];

/** What the rollout could not hold: bounds that move stable whatever it does, or a controller that puts them back. */
const boundFindings = (
  survey: Survey,
  scaler: Scaler,
  { minimum, maximum, start }: { readonly minimum: number | null; readonly maximum: number; readonly start: number },
): readonly Finding[] => {
  const where = whereOf(survey, scaler);
  const { name } = scaler.object.metadata;
  const owner = scaler.object.metadata.ownerReferences?.find(({ controller }) => controller === true);
  const changes = `has ${start} pods, and ${where}`;
  const stable = `Deployment ${survey.request.namespace}/${survey.request.deployment}`;
  return [
    ...(maximum < start
      ? [
          refused(
            where,
            `${stable} ${changes} allows at most ${maximum}: it is about to scale stable down.`,
            'Wait until it has, or raise maxReplicas.',
          ),
        ]
      : []),
    ...(survey.request.unit === 'pods' && (minimum ?? 1) > start
      ? [
          refused(
            where,
            `${stable} ${changes} wants at least ${minimum}: it is about to scale stable up, and every pod is a part of the weight.`,
            'Wait until it has.',
          ),
        ]
      : []),
    ...(owner === undefined
      ? []
      : [
          refused(
            where,
            `${where} is owned by ${plain(`${owner.kind} ${owner.name}`)}, which would undo that the rollout holds its minimum.`,
            'Let its owner keep minReplicas at the number of pods that stable has now, for the time of the release.',
            `HorizontalPodAutoscaler/${name}`,
          ),
        ]),
  ];
};

/** The copy starts at one pod: its minimum is raised with the canary, before the canary. */
const copyOf = (survey: Survey, hpa: KubeObject, maximum: number): Companion => {
  const { request, canaryDeployment: name } = survey;
  const own = new Set(['scaleTargetRef', 'minReplicas', 'maxReplicas']);
  const annotations = Object.entries(copiedAnnotations(hpa)).filter(([key]) => !key.startsWith(OF_V1));
  return {
    ref: objectRef(HORIZONTAL_POD_AUTOSCALER, request.namespace, name),
    body: toJson({
      apiVersion: HORIZONTAL_POD_AUTOSCALER.apiVersion,
      kind: HORIZONTAL_POD_AUTOSCALER.kind,
      metadata: {
        name,
        namespace: request.namespace,
        labels: copiedLabels(hpa),
        annotations: { ...Object.fromEntries(annotations), ...request.annotations },
      },
      spec: {
        ...without(fieldsOf(hpa['spec']), own),
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        minReplicas: 1,
        maxReplicas: maximum,
      },
    }),
  };
};

const besideHpa = (survey: Survey, stable: Deployment, scaler: Scaler): Scaling => {
  const { request } = survey;
  const spec = fieldsOf(scaler.object['spec']);
  const minimum = countOf(spec['minReplicas']);
  const start = startOf(stable);
  const maximum = countOf(spec['maxReplicas']) ?? start;
  const fields = heldBounds({ minimum, maximum }, start, request.unit);
  const ref = objectRef(HORIZONTAL_POD_AUTOSCALER, request.namespace, scaler.object.metadata.name);
  // A canary whose pods are the weight, or that is the user's own, is sized by the rollout alone.
  const isCopied = request.unit === 'requests' && request.canaryDeployment === null;
  return {
    autoscaler: fields.length === 0 ? null : { ref, fields },
    companions: isCopied ? [copyOf(survey, scaler.object, maximum)] : [],
    findings: boundFindings(survey, scaler, { minimum, maximum, start }),
  };
};

const isTrue = (value: string | undefined): boolean => /^(1|t|true)$/i.test(value ?? '');

const besideKeda = (survey: Survey, stable: Deployment, scaler: Scaler): Scaling => {
  const { name, annotations = {} } = scaler.object.metadata;
  const where = whereOf(survey, scaler);
  const wanted = annotations[PAUSED_REPLICAS];
  if (wanted !== undefined) {
    if (Number(wanted) === startOf(stable)) return NOTHING;
    const message = `${where} is paused at ${plain(JSON.stringify(wanted))} pods (${PAUSED_REPLICAS}), and stable has ${startOf(stable)}: KEDA is about to change them.`;
    return { ...NOTHING, findings: [refused(where, message, 'Wait until it has, or remove the annotation.')] };
  }
  if (isTrue(annotations[PAUSED])) return NOTHING;
  const path = `/metadata/annotations/${PAUSED.replaceAll('/', '~1')}`;
  return {
    ...NOTHING,
    autoscaler: {
      ref: objectRef(SCALED_OBJECT, survey.request.namespace, name),
      fields: [{ path, was: annotations[PAUSED] ?? null, held: 'true' }],
    },
  };
};

/** Nobody but the rollout sizes the canary, and nothing of its copy's name is there. */
const canaryFindings = (survey: Survey, companions: readonly Companion[]): readonly Finding[] => {
  const { namespace } = survey.request;
  const foreign = scalersOf(survey, survey.canaryDeployment).filter(
    ({ object }) => !isOfRollout(object, survey.request),
  );
  const taken = survey.autoscalers.filter(
    (hpa) =>
      companions.some(({ ref }) => ref.name === hpa.metadata.name) &&
      !isOfRollout(hpa, survey.request) &&
      !foreign.some(({ object }) => object === hpa),
  );
  return [
    ...foreign.map((scaler) =>
      refused(
        whereOf(survey, scaler),
        `${whereOf(survey, scaler)} scales Deployment ${namespace}/${survey.canaryDeployment}, the canary, which the rollout sizes.`,
        'Remove it for the time of the release.',
      ),
    ),
    ...taken.map(
      ({ metadata: { name } }): Finding => ({
        severity: 'error',
        code: 'object-exists',
        where: `HorizontalPodAutoscaler ${namespace}/${name}`,
        message: `HorizontalPodAutoscaler ${namespace}/${name} exists and is not ours, and the canary's needs its name.`,
        advice: `Rename it, or remove it with \`kubectl -n ${namespace} delete hpa ${name}\` if nothing needs it.`,
      }),
    ),
  ];
};

/** What scales stable, how it is held, and every reason why it cannot be. */
export const scalingOf = (survey: Survey, stable: Deployment): Scaling => {
  const scalers = scalersOf(survey, stable.name);
  const [only] = scalers;
  if (only === undefined) return { ...NOTHING, findings: canaryFindings(survey, []) };
  if (scalers.length > 1) {
    const names = scalers.map((scaler) => whereOf(survey, scaler)).sort();
    const message = `Several autoscalers scale Deployment ${survey.request.namespace}/${stable.name}: ${names.join(', ')}. The HPA controller works with one only, and the rollout cannot hold what is in dispute.`;
    return { ...NOTHING, findings: [refused(names[0] ?? '', message, 'Keep one of them.')] };
  }
  const scaling = only.kind === 'ScaledObject' ? besideKeda(survey, stable, only) : besideHpa(survey, stable, only);
  return { ...scaling, findings: [...scaling.findings, ...canaryFindings(survey, scaling.companions)] };
};
