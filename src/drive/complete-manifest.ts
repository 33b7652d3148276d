import type { Request, Seen } from '../core/objects.ts';
import { refText } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import { fieldsOf } from '../core/shape.ts';
import type { Json } from '../core/units.ts';
import type { Cluster } from '../ports/cluster.ts';
import type { Workload, WorkloadRequest } from '../ports/workload.ts';
import { hasErrors, problemFinding } from './findings.ts';

export interface Completed {
  readonly request: WorkloadRequest;
  /** There is no such Deployment yet, and this makes it; null: there is one. */
  readonly creation: Request | null;
  readonly findings: readonly Finding[];
}

/**
 * The version of a manifest as the API server would have it: what it leaves out is filled in, and webhooks have had their
 * say. Without that, a template could never be seen to be the one that runs. A version of another kind stays as it is.
 */
export const completeManifest = async (
  {
    cluster,
    workload,
    signal,
  }: { readonly cluster: Cluster; readonly workload: Workload; readonly signal: AbortSignal },
  request: WorkloadRequest,
  seen: Seen,
): Promise<Completed> => {
  const { version } = request;
  const { write, findings } = workload.offer(seen, request);
  if (version.kind !== 'manifest' || write === null) return { request, creation: null, findings };
  const creation = write.verb === 'create' ? write : null;
  if (hasErrors(findings)) return { request, creation, findings };
  const answer = await cluster.send(write, { dryRun: true, signal });
  if (answer.kind !== 'ok') {
    const { file, places } = version.manifest;
    const found = problemFinding(answer, `${file}:${places.template.line}`, cluster.server);
    const refused = { ...found, message: `${refText(write.ref)}: ${found.message}` };
    return { request, creation, findings: [...findings, refused] };
  }
  // It comes from the API server, so it is JSON.
  const template = fieldsOf(fieldsOf(answer.value['spec'])['template']) as Json;
  return { request: { ...request, version: { ...version, template } }, creation, findings };
};
