import { fitName } from '../core/marks.ts';
import { objectRef, type Permission, POD, type Request, refText } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import { fieldsOf } from '../core/shape.ts';
import type { Json } from '../core/units.ts';
import type { WorkloadRequest } from '../ports/workload.ts';
import { checkTemplate, type TemplateInput } from './check-template.ts';
import { hasErrors, problemFinding } from './findings.ts';

/** Everything is checked, and the Deployment does not exist yet. */
export interface FirstReady {
  readonly kind: 'first';
  readonly request: WorkloadRequest;
  readonly creation: Request;
  readonly findings: readonly Finding[];
  readonly permissions: readonly Permission[];
}

const POD_NAME_LIMIT = 63;

/** What can be told of a Deployment before it is there. Routes and metrics are not looked at: nothing is compared. */
export const checkFirst = async (
  input: TemplateInput,
  found: Omit<FirstReady, 'kind'>,
): Promise<FirstReady | { readonly kind: 'rejected'; readonly findings: readonly Finding[] }> => {
  const { version } = found.request;
  const template = version.kind === 'manifest' ? version.template : null;
  if (template === null || hasErrors(found.findings)) return { kind: 'rejected', findings: found.findings };
  const findings = [
    ...found.findings,
    ...(await checkTemplate(input, template)),
    ...(await checkPod(input, found, template)),
  ];
  return hasErrors(findings) ? { kind: 'rejected', findings } : { ...found, kind: 'first', findings };
};

/** Admission refuses here what it would refuse its ReplicaSet later, without telling anybody. */
const checkPod = async (
  { cluster, namespace, signal }: TemplateInput,
  { request }: Omit<FirstReady, 'kind'>,
  template: Json,
): Promise<readonly Finding[]> => {
  const name = fitName(`${request.deployment}-sample`, POD_NAME_LIMIT);
  const { metadata, spec } = fieldsOf(template);
  const ref = objectRef(POD, namespace, name);
  const body = {
    apiVersion: POD.apiVersion,
    kind: POD.kind,
    metadata: { ...fieldsOf(metadata), name, namespace },
    spec,
  } as Json;
  const answer = await cluster.send(
    { verb: 'create', ref, contentType: 'application/json', body },
    { dryRun: true, signal },
  );
  return answer.kind === 'ok' ? [] : [problemFinding(answer, refText(ref), cluster.server)];
};
