import { formatDuration } from '../core/format.ts';
import { shortestDuration } from '../core/make-plan.ts';
import type { Plan } from '../core/plan.ts';
import type { Finding } from '../core/reason.ts';
import type { Ms } from '../core/units.ts';
import { errorFinding } from './findings.ts';

const ADVICE =
  'use credentials that live longer (`kubectl create token NAME --duration=…` for a ServiceAccount) or that renew themselves (a kubeconfig with an `exec` plugin or a `tokenFile`), or plan a shorter rollout';

/**
 * Credentials that end before the rollout may would leave nobody to roll back. `endsAt`: epoch ms; null: they renew
 * themselves, or do not tell. Kept in reserve beside what the plan holds: the time that pods may take to become ready.
 */
export const credentialsEnd = (endsAt: Ms | null, now: Ms, plan: Plan): readonly Finding[] => {
  if (endsAt === null) return [];
  const left = Math.max(0, endsAt - now);
  const needed = shortestDuration(plan) + plan.timings.readyMs;
  const ends = `the cluster credentials end in ${inMinutes(left)}`;
  if (left < needed) {
    const message = `${ends}, the rollout needs about ${inMinutes(needed)}: nobody could finish it or roll it back then`;
    return [errorFinding('credentials-expire', 'kubeconfig', message, ADVICE)];
  }
  const { timeoutMs } = plan.timings;
  if (left >= timeoutMs) return [];
  const message = `${ends}, and the rollout may take up to ${formatDuration(timeoutMs)} (\`timeout\`)`;
  return [{ severity: 'warning', code: 'credentials-expire', where: 'kubeconfig', message, advice: ADVICE }];
};

/** Whole minutes where they are many: nobody needs the seconds of two hours. */
const inMinutes = (duration: Ms): string =>
  formatDuration(duration < 600_000 ? Math.round(duration / 1_000) * 1_000 : Math.round(duration / 60_000) * 60_000);
