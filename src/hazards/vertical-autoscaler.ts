import { type ListRef, listIn, listRef, type ResourceKind } from '../core/objects.ts';
import { fieldsOf, textOf } from '../core/shape.ts';
import type { Hazard, Situation } from '../ports/hazard.ts';
import { plain } from '../workloads/shape.ts';

const VERTICAL_POD_AUTOSCALER: ResourceKind = {
  apiVersion: 'autoscaling.k8s.io/v1',
  kind: 'VerticalPodAutoscaler',
  plural: 'verticalpodautoscalers',
};

const autoscalers = ({ target }: Situation): ListRef => listRef(VERTICAL_POD_AUTOSCALER, target.namespace);

/** What it does to pods by its mode; `Auto` is the default. null: nothing, it only recommends. */
const effectOf = (mode: string): string | null => {
  if (mode === 'Off') return null;
  const uneven = 'only stable gets its requests, so the two versions may differ in CPU and memory';
  return mode === 'Initial' ? uneven : `it may restart pods of stable at any time, and ${uneven}`;
};

export const verticalAutoscaler: Hazard = {
  name: 'vertical-autoscaler',
  rows: [
    {
      hazard: 'a VerticalPodAutoscaler on stable',
      handling: 'warns with its update mode: it restarts pods, and sizes only stable',
      code: null,
      override: null,
    },
  ],
  reads: (situation) => [autoscalers(situation)],
  permissions: [
    {
      group: 'autoscaling.k8s.io',
      resource: 'verticalpodautoscalers',
      verbs: [],
      optional: ['list'],
      why: 'warn of one that restarts pods of stable',
    },
  ],
  find: (situation, seen) =>
    listIn(seen, autoscalers(situation)).flatMap((object) => {
      const { targetRef, updatePolicy } = fieldsOf(object['spec']);
      const { kind, name } = fieldsOf(targetRef);
      if (kind !== 'Deployment' || name !== situation.target.deployment) return [];
      const mode = textOf(fieldsOf(updatePolicy)['updateMode']) ?? 'Auto';
      const effect = effectOf(mode);
      if (effect === null) return [];
      const where = `VerticalPodAutoscaler ${situation.target.namespace}/${plain(object.metadata.name)}`;
      return [
        {
          severity: 'warning',
          code: 'autoscaler',
          where,
          message: `${where} is on stable (updateMode ${plain(mode)}): ${effect}`,
          advice: 'set updateMode: Off for the time of the release',
        } as const,
      ];
    }),
};
