import type { Issue, Outcome, Subject } from './outcome.ts';
import type { Finding, ReasonCode } from './reason.ts';

/** Nothing was touched, and why in one sentence. */
export const rejection = (code: ReasonCode, text: string, subject: Subject | null = null): Outcome => ({
  kind: 'rejected',
  reason: { code, text, metric: null },
  issues: [],
  findings: [],
  subject,
});

/** Mistakes in what the user wrote. */
export const misconfigured = (issues: readonly Issue[]): Outcome => {
  const text =
    issues.length === 1 ? '1 mistake in the configuration' : `${issues.length} mistakes in the configuration`;
  return {
    kind: 'rejected',
    reason: { code: 'invalid-config', text, metric: null },
    issues,
    findings: [],
    subject: null,
  };
};

/** What the checks found; the first error gives the reason. */
export const refused = (findings: readonly Finding[], subject: Subject): Outcome => {
  const first = findings.find(({ severity }) => severity === 'error');
  const text = first?.message ?? 'refused without a reason';
  return {
    kind: 'rejected',
    reason: { code: first?.code ?? 'internal-error', text, metric: null },
    issues: [],
    findings,
    subject,
  };
};
