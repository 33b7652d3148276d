import { tooCoarse } from '../core/pod-share.ts';
import type { Finding } from '../core/reason.ts';
import type { Hazard, Situation } from '../ports/hazard.ts';

const findings = ({ spec, plan }: Situation): readonly Finding[] => {
  const first = spec.steps[0];
  if (plan === null || plan.abilities.unit !== 'pods' || first === undefined) return [];
  const message = tooCoarse(first.weight, plan.stableReplicas);
  if (message === null) return [];
  const advice =
    'choose weights that the number of stable pods can express, run more stable pods, or use a route that splits requests';
  return [{ severity: 'error', code: 'route-unsupported', where: 'weights', message, advice, allow: 'rounding' }];
};

/** With `route: replicas` a share is a number of pods: few of them cannot express a small one. */
export const rounding: Hazard = {
  name: 'rounding',
  rows: [
    {
      hazard:
        'too few stable pods for the first weight with `route: replicas`: one canary pod gets more than twice of it',
      handling: 'refuses, with the count that it needs; allowed, the canary gets the share of one pod',
      code: 'route-unsupported',
      override: '`allow: rounding`',
    },
  ],
  reads: () => [],
  permissions: [],
  find: findings,
};
