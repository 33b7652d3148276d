import {
  isListRef,
  type KubeObject,
  type ListRef,
  type Metadata,
  type ReadRef,
  type Request,
} from '../core/objects.ts';
import type { Json, Result } from '../core/units.ts';
import { ok } from '../core/units.ts';
import type { CallResult, Cluster } from '../ports/cluster.ts';
import { can, discover } from './access.ts';
import { type AskJson, jsonOf, problemOf, statusIn } from './answers.ts';
import { createPath, listPath, logPath, objectPath, podPath, servicePath } from './paths.ts';
import { type ClusterOptions, createSender, type Sender } from './sender.ts';
import { type Call, get } from './transport.ts';
import { watchObjects } from './watch.ts';

const PAGE_SIZE = 500;
const FIELD_MANAGER = 'canary-rollout';
const LONGEST_LOG_BYTES = 64 * 1024;
const LARGEST_POD_ANSWER_BYTES = 2 * 1024 * 1024;
const METRICS_TEXT = 'text/plain;version=0.0.4;q=1,*/*;q=0.1';

/** A client of the API server that the kubeconfig names. Sends nothing yet; its calls never reject. */
export const connect = (options: ClusterOptions): Result<Cluster, { readonly message: string }> => {
  const created = createSender(options);
  if (!created.ok) return created;
  const sender = created.value;
  const askJson: AskJson = (call, signal) => callJson(sender, call, signal);
  return ok({
    defaultNamespace: sender.session().loaded.namespace,
    server: sender.session().loaded.server,
    read: async (ref, signal) =>
      nameOf(asObject(await askJson(get(objectPath(ref), acceptFor(ref)), signal), ref), ref),
    list: (ref, signal) => listAll(askJson, ref, signal),
    watch: (ref, signal) => watchObjects(sender.session(), options, ref, signal),
    send: async (request, { dryRun, signal }) => {
      const call = writeCall(request, dryRun);
      return asObject(await askJson(call, signal), request.ref);
    },
    proxy: (service, path, signal) => getProxied(sender, get(servicePath(service, path), '*/*'), signal),
    podProxy: async (pod, path, signal) => {
      const whole = podPath(pod, path);
      if (whole === null) return { kind: 'invalid', message: 'the path would leave the pod', causes: [] };
      const call: Call = { ...get(whole, METRICS_TEXT), isOnce: true, largestBytes: LARGEST_POD_ANSWER_BYTES };
      return getProxied(sender, call, signal);
    },
    can: (questions, signal) => can(askJson, questions, signal),
    discover: (type, signal) => discover(askJson, type, signal),
    logs: (pod, container, lines, previous, signal) => {
      const query = { container, tailLines: lines, previous: String(previous), limitBytes: LONGEST_LOG_BYTES };
      return getText(sender, get(logPath(pod, query), '*/*'), signal);
    },
    credentialsExpireAt: () => sender.session().expiresAt,
  });
};

const callJson = async (sender: Sender, call: Call, signal: AbortSignal): ReturnType<AskJson> => {
  const outcome = await sender.send(call, signal);
  if (outcome.kind === 'unreachable') return { kind: 'unreachable', message: outcome.message };
  return jsonOf(call, outcome.answer, sender.session().redact);
};

/** Items of a list come without kind and apiVersion: both are put back. An object without a name is a Status: a delete's. */
const asObject = (
  result: CallResult<Readonly<Record<string, unknown>>>,
  type: { readonly apiVersion: string; readonly kind: string },
): CallResult<KubeObject> => (result.kind === 'ok' ? { kind: 'ok', value: toObject(result.value, type) } : result);

const toObject = (
  fields: Readonly<Record<string, unknown>>,
  type: { readonly apiVersion: string; readonly kind: string },
): KubeObject => ({
  ...fields,
  apiVersion: typeof fields['apiVersion'] === 'string' ? fields['apiVersion'] : type.apiVersion,
  kind: typeof fields['kind'] === 'string' ? fields['kind'] : type.kind,
  metadata: toMetadata(fields['metadata']),
});

const toMetadata = (value: unknown): Metadata =>
  typeof value === 'object' && value !== null ? { name: '', ...value } : { name: '' };

/** Without the content: https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches */
const METADATA = { one: 'PartialObjectMetadata', many: 'PartialObjectMetadataList' } as const;
const acceptFor = (ref: ReadRef): string =>
  ref.nameOnly === true
    ? `application/json;as=${isListRef(ref) ? METADATA.many : METADATA.one};g=meta.k8s.io;v=v1`
    : 'application/json';

/** Annotations can hold the content too: the last configuration that kubectl applied. */
const named = (object: KubeObject, { nameOnly, apiVersion, kind }: ReadRef): KubeObject =>
  nameOnly === true ? { apiVersion, kind, metadata: { name: object.metadata.name } } : object;

const nameOf = (result: CallResult<KubeObject>, ref: ReadRef): CallResult<KubeObject> =>
  result.kind === 'ok' ? { kind: 'ok', value: named(result.value, ref) } : result;

/** A continue token that is too old makes the list begin again, once. */
const listAll = async (ask: AskJson, ref: ListRef, signal: AbortSignal): Promise<CallResult<readonly KubeObject[]>> => {
  const first = await listPages(ask, ref, signal);
  return first.kind === 'conflict' ? listPages(ask, ref, signal) : first;
};

const listPages = async (
  ask: AskJson,
  ref: ListRef,
  signal: AbortSignal,
): Promise<CallResult<readonly KubeObject[]>> => {
  const objects: KubeObject[] = [];
  let token: string | null = null;
  do {
    const page: CallResult<Readonly<Record<string, unknown>>> = await ask(
      get(listPath(ref, { limit: PAGE_SIZE, continue: token }), acceptFor(ref)),
      signal,
    );
    if (page.kind !== 'ok') return page;
    const { items, metadata } = page.value;
    if (Array.isArray(items)) objects.push(...items.map((item) => named(toObject(item, ref), ref)));
    token = continueToken(metadata);
  } while (token !== null);
  return { kind: 'ok', value: objects };
};

const continueToken = (metadata: unknown): string | null =>
  typeof metadata === 'object' && metadata !== null && 'continue' in metadata && typeof metadata.continue === 'string'
    ? metadata.continue || null
    : null;

const writeCall = (request: Request, dryRun: boolean): Call => {
  const common = { contentType: request.contentType, accept: 'application/json' };
  const query = { fieldManager: FIELD_MANAGER, fieldValidation: 'Strict', dryRun: dryRun ? 'All' : null };
  const body = JSON.stringify(request.body);
  switch (request.verb) {
    case 'create':
      return { ...common, method: 'POST', path: createPath(request.ref, query), body };
    case 'patch':
      return { ...common, method: 'PATCH', path: objectPath(request.ref, query), body };
    case 'delete':
      return {
        ...common,
        method: 'DELETE',
        contentType: 'application/json',
        path: objectPath(request.ref),
        body: JSON.stringify(deleteOptions(request.body, dryRun)),
      };
  }
};

/** The API server ignores the query of a DELETE that has a body, `dryRun` too: it must stand in the body. */
const deleteOptions = (body: Json, dryRun: boolean): Json => ({
  kind: 'DeleteOptions',
  apiVersion: 'v1',
  ...(typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {}),
  ...(dryRun ? { dryRun: ['All'] } : {}),
});

/** The own answer of the Service or pod, whatever its status; a Status object is the API server's, which did not get through. */
const getProxied = async (
  sender: Sender,
  call: Call,
  signal: AbortSignal,
): Promise<CallResult<{ readonly status: number; readonly body: string; readonly retryAfterMs: number | null }>> => {
  const outcome = await sender.send(call, signal);
  if (outcome.kind === 'unreachable') return { kind: 'unreachable', message: outcome.message };
  const { answer } = outcome;
  const isOwn = answer.status === 401 || statusIn(answer.body) !== null;
  return isOwn ? problemOf(call, answer, sender.session().redact) : { kind: 'ok', value: answer };
};

const getText = async (sender: Sender, call: Call, signal: AbortSignal): Promise<CallResult<string>> => {
  const outcome = await sender.send(call, signal);
  if (outcome.kind === 'unreachable') return { kind: 'unreachable', message: outcome.message };
  const { answer } = outcome;
  return answer.status === 200 ? { kind: 'ok', value: answer.body } : problemOf(call, answer, sender.session().redact);
};
