import type { Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import { deploymentIn } from './arms.ts';
import { canaryLabels } from './copy.ts';
import { withNewTemplate } from './template.ts';

type Labels = Readonly<Record<string, string>>;

/** The labels of what there is of each arm: their pods, or their Services. */
export interface ArmLabels {
  readonly stable: Labels;
  readonly canary: Labels;
}

/** Whom something selects. */
export type Coverage = 'both' | 'stable' | 'canary' | 'neither';

export const coverageOf = (selects: (labels: Labels) => boolean, { stable, canary }: ArmLabels): Coverage => {
  if (selects(stable)) return selects(canary) ? 'both' : 'stable';
  return selects(canary) ? 'canary' : 'neither';
};

/** Labels of stable's pods as they are, and of the canary's as they will be; null while there is no stable. */
export const podLabels = (seen: Seen, target: Target): ArmLabels | null => {
  const stable = deploymentIn(seen, target, 'stable');
  if (stable === null) return null;
  const pair = target.pair === null ? null : deploymentIn(seen, target, 'canary');
  const canary = pair?.labels ?? canaryLabels(withNewTemplate(stable, target).labels, target.relabel);
  return { stable: stable.labels, canary };
};
