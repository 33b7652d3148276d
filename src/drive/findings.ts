import type { Finding, ReasonCode } from '../core/reason.ts';
import type { CallProblem } from '../ports/cluster.ts';

export const errorFinding = (
  code: ReasonCode,
  where: string,
  message: string,
  advice: string | null = null,
): Finding => ({
  severity: 'error',
  code,
  where,
  message,
  advice,
});

const CODES: Readonly<Record<CallProblem['kind'], ReasonCode>> = {
  conflict: 'refused-by-cluster',
  missing: 'refused-by-cluster',
  forbidden: 'forbidden',
  unauthorised: 'cluster-unreachable',
  throttled: 'cluster-unreachable',
  unreachable: 'cluster-unreachable',
  invalid: 'refused-by-cluster',
};

/** Admission answers 403 too, and then no Role would help: RBAC's own words name the user and the verb (k8s.io/apiserver, responsewriters). */
const isOfAdmission = ({ kind, message }: CallProblem): boolean =>
  kind === 'forbidden' && /^admission webhook "| is forbidden: (?!User ")/.test(message);

/** A call that went wrong, as the finding that refuses the rollout. */
export const problemFinding = (problem: CallProblem, what: string, server: string): Finding => {
  const causes =
    problem.kind === 'invalid' ? problem.causes.map(({ field, message }) => `${field}: ${message}`).join('; ') : '';
  const message = causes === '' ? problem.message : `${problem.message} (${causes})`;
  const code = isOfAdmission(problem) ? 'refused-by-cluster' : CODES[problem.kind];
  const advice =
    code === 'cluster-unreachable'
      ? `is ${server} the right cluster, can this runner reach it, and are the credentials still valid?`
      : null;
  return errorFinding(code, what, message, advice);
};

/** What a rollout keeps of a warning: the sentence, and in lines of its own what is to be pasted. */
export const warningText = ({ message, advice }: Finding): string =>
  advice?.includes('\n') === true ? `${message}\n${advice}` : message;

export const hasErrors = (findings: readonly Finding[]): boolean =>
  findings.some(({ severity }) => severity === 'error');
