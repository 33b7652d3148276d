import { changedPaths } from '../core/changed-paths.ts';
import { type KubeObject, objectIn, refText, type Seen } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import { type Fields, fieldsOf } from '../core/shape.ts';
import type { Hazard, Situation } from '../ports/hazard.ts';
import { currentReplicaSet, deploymentIn, podsIn, replicaSetsIn } from '../workloads/arms.ts';
import { createSamplePod } from '../workloads/copy.ts';
import { containersOf, type Deployment, items, plain } from '../workloads/shape.ts';
import { controllerUid } from '../workloads/survey.ts';

/** The parts of a pod that its template has too. */
interface PodParts {
  readonly annotations: unknown;
  readonly labels: unknown;
  readonly spec: unknown;
}

/** The volume of the service account's token has a random name. */
const steady = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value ?? null).replace(/\bkube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access')) as unknown;

/** Lists that admission may begin, so that what is added is told by its name. */
const withLists = (spec: Fields): Fields => {
  const mounting = (containers: unknown) => items(containers).map((one) => ({ volumeMounts: [], env: [], ...one }));
  return {
    volumes: [],
    ...spec,
    containers: mounting(spec['containers']),
    initContainers: mounting(spec['initContainers']),
  };
};

const partsOf = (pod: Fields): PodParts => {
  const { annotations, labels } = fieldsOf(pod['metadata']);
  return {
    annotations: steady(annotations ?? {}),
    labels: steady(labels ?? {}),
    spec: steady(withLists(fieldsOf(pod['spec']))),
  };
};

/**
 * What every API server fills in for a pod, by place, with its built-in admission (ServiceAccount, Priority,
 * DefaultTolerationSeconds, LimitRanger). A template that came from the API server has the most of it already.
 */
const DEFAULTED = [
  /^annotations\[kubernetes\.io\/limit-ranger\]$/,
  /^spec\.(restartPolicy|terminationGracePeriodSeconds|dnsPolicy|securityContext|schedulerName|serviceAccount|serviceAccountName)$/,
  /^spec\.(enableServiceLinks|preemptionPolicy|priority|tolerations|imagePullSecrets|volumes\[kube-api-access\])$/,
  /^spec\.(initContainers|containers)\[[^\]]+\]\.(terminationMessagePath|terminationMessagePolicy|imagePullPolicy|resources(\..*)?)$/,
  /^spec\.(initContainers|containers)\[[^\]]+\]\.volumeMounts(\[kube-api-access\])?$/,
  /\.ports(\[[^\]]*\])?\.protocol$/,
  /Probe\.((timeout|period)Seconds|(success|failure)Threshold|httpGet\.(scheme|path))$/,
  /\.(defaultMode|fieldRef\.apiVersion|hostPath\.type)$/,
] as const;

const isDefaulted = (path: string): boolean => DEFAULTED.some((pattern) => pattern.test(path));

/** The places that admission made different. */
const changesOf = (sent: Fields, admitted: Fields): readonly string[] => {
  const [before, after] = [partsOf(sent), partsOf(admitted)];
  return (['annotations', 'labels', 'spec'] as const).flatMap((part) => changedPaths(before[part], after[part], part));
};

/** Each pod has these of its own: its node, its name in its labels. */
const OF_A_POD = /^(spec\.(nodeName|hostname)|labels\.pod-template-hash|labels\.controller-revision-hash)$/;

const namesOf = (spec: unknown): ReadonlySet<string> => new Set(containersOf(fieldsOf(spec)).map(({ name }) => name));

const without = (names: ReadonlySet<string>, others: ReadonlySet<string>): readonly string[] =>
  [...names].filter((name) => !others.has(name)).sort();

interface Compared {
  readonly where: string;
  /** What was sent, and what the API server answered it would create. */
  readonly sent: Fields;
  readonly admitted: KubeObject;
  readonly stable: Deployment;
  /** A pod of stable's current template; null: none was read. */
  readonly pod: KubeObject | null;
}

const compared = ({ target }: Situation, seen: Seen): Compared | null => {
  const stable = deploymentIn(seen, target, 'stable');
  if (stable === null) return null;
  const sample = createSamplePod(stable, target);
  const admitted = objectIn(seen, sample.ref);
  if (admitted === null) return null;
  const current = currentReplicaSet(replicaSetsIn(seen, target, 'stable'))?.metadata.uid ?? null;
  const pod = podsIn(seen, target, 'stable').find((one) => current !== null && controllerUid(one) === current) ?? null;
  return { where: refText(sample.ref), sent: fieldsOf(sample.body), admitted, stable, pod };
};

const list = (names: readonly string[]): string =>
  names.length <= 10
    ? names.map(plain).join(', ')
    : `${names.slice(0, 10).map(plain).join(', ')} and ${names.length - 10} more`;

const warning = (where: string, message: string, advice: string | null): Finding => ({
  severity: 'warning',
  code: 'policy-mismatch',
  where,
  message,
  advice,
});

/** Injected into the canary: told by `plan`, as it is nothing to worry about where stable has it too. */
const injected = ({ spec }: Situation, { where, sent, admitted }: Compared): readonly Finding[] => {
  const names = without(namesOf(admitted['spec']), namesOf(sent['spec']));
  if (names.length === 0 || spec.command !== 'plan') return [];
  const verb = names.length === 1 ? 'is' : 'are';
  const message = `${list(names)} ${verb} injected into the canary's pods too: their readiness includes ${names.length === 1 ? 'it' : 'them'}, and images are set by container name`;
  return [warning(where, message, null)];
};

/** Injected into one version only: the comparison would be of different things. */
const uneven = ({ where, admitted, sent, stable, pod }: Compared): readonly Finding[] => {
  if (pod === null) return [];
  const inCanary = without(namesOf(admitted['spec']), namesOf(sent['spec']));
  const inStable = without(namesOf(pod['spec']), namesOf(stable.template['spec']));
  const lost = inStable.filter((name) => !inCanary.includes(name));
  const gained = inCanary.filter((name) => !inStable.includes(name));
  const advice = 'See how the injector chooses pods, and restart stable where its pods are older than the injector.';
  return [
    ...(lost.length === 0
      ? []
      : [warning(where, `stable's pods have ${list(lost)} injected, and the canary's would not`, advice)]),
    ...(gained.length === 0
      ? []
      : [warning(where, `the canary's pods would have ${list(gained)} injected, and stable's have not`, advice)]),
  ];
};

/** What a webhook changes in the copy that neither the API server fills in nor stable's pods have. Shown, not fought. */
const rewritten = ({ where, sent, admitted, stable, pod }: Compared): readonly Finding[] => {
  const inStable = new Set(pod === null ? [] : changesOf(stable.template, pod));
  const own = without(namesOf(admitted['spec']), namesOf(sent['spec']));
  const isInjected = (path: string): boolean => own.some((name) => path.includes(`ontainers[${name}]`));
  const paths = changesOf(sent, admitted).filter(
    (path) => !inStable.has(path) && !isInjected(path) && !isDefaulted(path) && !OF_A_POD.test(path),
  );
  if (paths.length === 0) return [];
  return [
    warning(
      where,
      `admission changes the canary's pods where it left stable's alone: ${list(paths)}`,
      'A mutating webhook does it. What it makes of the copy is what is judged.',
    ),
  ];
};

/** What webhooks make of the canary's pods, from the answer to the dry run of one. */
export const sidecars: Hazard = {
  name: 'sidecars',
  rows: [
    {
      hazard: 'a sidecar that is injected into pods',
      handling:
        'readiness includes it, images are set by container name, it is no part of the comparison; `plan` names it',
      code: null,
      override: null,
    },
    {
      hazard: 'a sidecar that is injected into the pods of one version only',
      handling: 'warns',
      code: null,
      override: null,
    },
    {
      hazard: "a mutating webhook that changes the canary's pods otherwise than stable's",
      handling: 'shows the places; does not fight it',
      code: null,
      override: null,
    },
    {
      hazard: "a mutating webhook that changes stable's promotion patch",
      handling: 'refuses: stable would never be seen to run the new version',
      code: 'refused-by-cluster',
      override: null,
    },
  ],
  reads: () => [],
  permissions: [],
  find: (situation, seen) => {
    const pair = compared(situation, seen);
    return pair === null ? [] : [...injected(situation, pair), ...uneven(pair), ...rewritten(pair)];
  },
};
