import { refText } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import { fieldsOf, textOf } from '../core/shape.ts';
import type { Hazard, Situation } from '../ports/hazard.ts';
import { items } from '../workloads/shape.ts';

const MAXIMUM = '/spec/maxReplicas';

const warned = (where: string, message: string, advice: string | null): Finding => ({
  severity: 'warning',
  code: 'autoscaler',
  where,
  message,
  advice,
});

/** Whoever holds more than the minimum takes from stable what it would get under load. */
const standsStill = ({ target }: Situation): readonly Finding[] => {
  const { autoscaler, deployment, namespace } = target;
  if (autoscaler === null) return [];
  const { ref, fields } = autoscaler;
  const isPaused = ref.kind === 'ScaledObject';
  if (!isPaused && !fields.some(({ path }) => path === MAXIMUM)) return [];
  const how = isPaused ? 'is paused' : 'has its minimum and maximum held at the number of pods that stable has now';
  const why = isPaused ? '' : ', because pods are the weight';
  const message = `${refText(ref)} ${how} while the rollout runs${why}: Deployment ${namespace}/${deployment} does not scale until the end`;
  const advice = isPaused
    ? 'release when load is steady, or with as many pods as the peak needs'
    : 'split traffic by a route, and stable scales up during the rollout';
  return [warned(refText(ref), message, advice)];
};

/** A signal that is not the canary's own makes it as large as stable is. */
const FOREIGN_SIGNALS = ['Object', 'External'];

const sharedSignals = ({ target }: Situation): readonly Finding[] =>
  target.companions
    .filter(({ ref }) => ref.kind === 'HorizontalPodAutoscaler')
    .flatMap(({ ref, body }) => {
      const types = items(fieldsOf(fieldsOf(body)['spec'])['metrics']).map(({ type }) => textOf(type) ?? '');
      const foreign = [...new Set(types.filter((type) => FOREIGN_SIGNALS.includes(type)))].sort();
      if (foreign.length === 0) return [];
      const message = `${refText(ref)}, the canary's copy, scales by ${foreign.join(' and ')} metrics too: they count the load of both versions, so the canary may grow to as many pods as stable`;
      return [warned(refText(ref), message, 'see docs/autoscaling.md')];
    });

/** What scales stable while the rollout counts on its pods. It is found and held by `src/workloads`. */
export const autoscaling: Hazard = {
  name: 'autoscaling',
  rows: [
    {
      hazard: 'a HorizontalPodAutoscaler on stable',
      handling:
        'holds its `minReplicas` at the number of pods at the start, gives the canary a copy, and puts the old value back at every end',
      code: null,
      override: null,
    },
    {
      hazard: 'a HorizontalPodAutoscaler on stable, with `route: replicas`',
      handling: 'holds its minimum and maximum, and warns that stable does not scale meanwhile',
      code: null,
      override: null,
    },
    {
      hazard: 'a HorizontalPodAutoscaler or ScaledObject that the credentials may not patch',
      handling: 'refuses with the Role to apply',
      code: 'autoscaler',
      override: null,
    },
    {
      hazard: 'a HorizontalPodAutoscaler whose bounds do not fit the number of pods now',
      handling: 'refuses: it is about to scale stable',
      code: 'autoscaler',
      override: null,
    },
    {
      hazard: 'a HorizontalPodAutoscaler that another controller owns',
      handling: 'refuses: its owner would undo the hold',
      code: 'autoscaler',
      override: '`allow: HorizontalPodAutoscaler/NAME`',
    },
    {
      hazard: 'several autoscalers on stable, or one on the canary',
      handling: 'refuses and names them',
      code: 'autoscaler',
      override: null,
    },
    {
      hazard: 'a KEDA ScaledObject on stable',
      handling: "pauses it by KEDA's own annotation, and warns that stable does not scale meanwhile",
      code: null,
      override: null,
    },
    {
      hazard: 'a KEDA ScaledObject that is paused at another number of pods than stable has',
      handling: 'refuses: KEDA is about to scale stable',
      code: 'autoscaler',
      override: null,
    },
  ],
  reads: () => [],
  permissions: [],
  find: (situation) => [...standsStill(situation), ...sharedSignals(situation)],
};
