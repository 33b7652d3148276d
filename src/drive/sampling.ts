import type { Seen } from '../core/objects.ts';
import { bindPlaceholders } from '../core/placeholders.ts';
import type { Target } from '../core/plan.ts';
import type { BoundQuery } from '../core/sample.ts';
import type { MetricSpec, Placeholder } from '../core/spec.ts';
import type { Arm, Ms } from '../core/units.ts';
import type { Workload } from '../ports/workload.ts';

const ARMS: readonly Arm[] = ['stable', 'canary'];

/** Matches no pod: for an arm that has none, so that it has no data rather than the other's. */
const NO_PODS = 'canary-rollout-none';

const valuesOf = (
  target: Target,
  arm: Arm,
  pods: string | null,
  windowMs: Ms,
): Readonly<Record<Placeholder, string>> => ({
  namespace: target.namespace,
  deployment: arm === 'stable' ? target.deployment : target.canaryDeployment,
  service: (arm === 'stable' ? target.service : target.canaryService) ?? target.service ?? '',
  route: target.routes[0]?.name ?? '',
  arm,
  pods: pods ?? NO_PODS,
  window: `${Math.max(1, Math.ceil(windowMs / 1000))}s`,
});

type Common = Pick<BoundQuery, 'metric' | 'arm' | 'replicaLabels' | 'pods'>;

const boundQuery = (spec: MetricSpec, common: Common, bind: (text: string) => string): BoundQuery => {
  switch (spec.kind) {
    case 'counted':
      return { ...common, kind: 'counted', requests: bind(spec.requests), failures: bind(spec.failures) };
    case 'latency':
      return { ...common, kind: 'latency', histogram: bind(spec.histogram), bound: spec.bound };
    case 'measured':
      return { ...common, kind: 'measured', query: bind(spec.query) };
  }
};

/** Each metric once per arm, with the placeholders bound to that arm (design §1.4). */
export const bindQueries = (
  metrics: readonly MetricSpec[],
  workload: Workload,
  seen: Seen,
  target: Target,
  options: { readonly windowMs: Ms; readonly arms?: readonly Arm[] },
): readonly BoundQuery[] => {
  const pods = workload.podsExpression(seen, target);
  return metrics.flatMap((spec) =>
    (options.arms ?? ARMS).map((arm) => {
      const values = valuesOf(target, arm, pods[arm], options.windowMs);
      const common = {
        metric: spec.name,
        arm,
        replicaLabels: spec.replicaLabels,
        pods: workload.podsOf(seen, target, arm),
      };
      return boundQuery(spec, common, (text) => bindPlaceholders(text, values));
    }),
  );
};
