import fastJsonPatch from 'fast-json-patch';
import type { KubeObject, ListRef, ObjectRef, Request } from '../../src/core/objects.ts';
import { refKey } from '../../src/core/objects.ts';
import type { AccessQuestion, CallProblem, CallResult, Cluster, WatchEvent } from '../../src/ports/cluster.ts';

type Verb = 'read' | 'list' | 'watch' | Request['verb'];
type Stored = KubeObject & { readonly metadata: { readonly uid: string; readonly resourceVersion: string } };

/** Answers instead of the cluster; undefined: the cluster answers. */
export type Interference = (verb: Verb, ref: ObjectRef | ListRef, request: Request | null) => CallProblem | undefined;

export interface FakeClusterOptions {
  readonly objects?: readonly (KubeObject & { readonly metadata: { readonly namespace?: string } })[];
  /** `apiVersion` and `plural` that are not served; everything else is. */
  readonly absent?: readonly { readonly apiVersion: string; readonly plural: string }[];
  readonly allowed?: (question: AccessQuestion) => boolean;
  readonly proxy?: (path: string) => { status: number; body: string };
  readonly podProxy?: (
    pod: Parameters<Cluster['podProxy']>[0],
    path: string,
  ) => { status: number; body: string } | CallProblem;
}

export interface FakeCluster extends Cluster {
  /** Every write that was asked for, dry ones too, in order. */
  readonly writes: readonly { readonly request: Request; readonly dryRun: boolean; readonly result: string }[];
  get(ref: ObjectRef): KubeObject | null;
  /** As somebody else would: uid kept, resourceVersion moved on, generation too when the spec differs. */
  put(ref: ObjectRef, object: KubeObject): void;
  remove(ref: ObjectRef): void;
  /** null ends it. Runs before each call. */
  interfere(interference: Interference | null): void;
}

/**
 * An API server in memory: uid, resourceVersion and generation, JSON Patch with `test`, merge patch, preconditions, dry
 * run, label selectors, watches. No controllers, no admission, no defaults.
 */
export const fakeCluster = (options: FakeClusterOptions = {}): FakeCluster => {
  const objects = new Map<string, Stored>();
  const writes: { request: Request; dryRun: boolean; result: string }[] = [];
  const watchers = new Set<(event: WatchEvent) => void>();
  let version = 1000;
  let interference: Interference | null = null;
  const isAbsent = (ref: ListRef | ObjectRef): boolean =>
    options.absent?.some((kind) => kind.apiVersion === ref.apiVersion && kind.plural === ref.plural) ?? false;
  const next = (): string => {
    version += 1;
    return String(version);
  };
  const tell = (type: WatchEvent['type'], object: KubeObject): void => {
    for (const watcher of watchers) watcher({ type, object });
  };
  const store = (key: string, object: KubeObject, old: Stored | undefined): Stored => {
    const moved = stamped(object, old, next());
    objects.set(key, moved);
    tell(old === undefined ? 'ADDED' : 'MODIFIED', moved);
    return moved;
  };
  for (const object of options.objects ?? []) {
    const { namespace = '', name } = object.metadata;
    store(`${object.apiVersion}/${object.kind}/${namespace}/${name}`, object, undefined);
  }
  const list = (ref: ListRef): readonly KubeObject[] =>
    [...objects.values()].filter(
      (object) =>
        object.apiVersion === ref.apiVersion &&
        object.kind === ref.kind &&
        (ref.namespace === '' || object.metadata.namespace === ref.namespace) &&
        isListed(ref, object),
    );
  const apply = (request: Request, dryRun: boolean): CallResult<KubeObject> => {
    const key = refKey(request.ref);
    const old = objects.get(key);
    const planned = plan(request, old);
    if (planned.kind !== 'ok') return planned;
    if (dryRun)
      return { kind: 'ok', value: planned.value ?? old ?? { ...request.ref, metadata: { name: request.ref.name } } };
    if (planned.value !== null) return { kind: 'ok', value: store(key, planned.value, old) };
    objects.delete(key);
    if (old !== undefined) tell('DELETED', old);
    return { kind: 'ok', value: { apiVersion: 'v1', kind: 'Status', metadata: { name: '' } } };
  };
  return {
    defaultNamespace: 'default',
    server: 'https://cluster.example',
    writes,
    get: (ref) => objects.get(refKey(ref)) ?? null,
    put: (ref, object) => void store(refKey(ref), object, objects.get(refKey(ref))),
    remove: (ref) => {
      const old = objects.get(refKey(ref));
      objects.delete(refKey(ref));
      if (old !== undefined) tell('DELETED', old);
    },
    interfere: (next) => {
      interference = next;
    },
    read: async (ref) => {
      const trouble = interference?.('read', ref, null);
      if (trouble !== undefined) return trouble;
      const found = isAbsent(ref) ? undefined : objects.get(refKey(ref));
      return found === undefined ? missing(ref) : { kind: 'ok', value: structuredClone(found) };
    },
    list: async (ref) => {
      const trouble = interference?.('list', ref, null);
      if (trouble !== undefined) return trouble;
      return isAbsent(ref) ? missing(ref) : { kind: 'ok', value: structuredClone(list(ref)) };
    },
    watch: (ref, signal) =>
      interference?.('watch', ref, null) === undefined ? watch(() => list(ref), watchers, ref, signal) : nothing(),
    send: async (request, { dryRun }) => {
      const trouble = interference?.(request.verb, request.ref, request);
      const result = trouble ?? (isAbsent(request.ref) ? missing(request.ref) : apply(request, dryRun));
      writes.push({ request, dryRun, result: result.kind });
      return result.kind === 'ok' ? { kind: 'ok', value: structuredClone(result.value) } : result;
    },
    proxy: async (_service, path) =>
      options.proxy === undefined
        ? { kind: 'unreachable', message: 'no endpoints available for service' }
        : { kind: 'ok', value: options.proxy(path) },
    podProxy: async (pod, path) => {
      const answer = options.podProxy?.(pod, path) ?? { kind: 'unreachable' as const, message: 'connection refused' };
      return 'kind' in answer ? answer : { kind: 'ok', value: answer };
    },
    can: async (questions) => ({ kind: 'ok', value: questions.map((question) => options.allowed?.(question) ?? true) }),
    discover: async (type) => ({
      kind: 'ok',
      value: options.absent?.some((kind) => kind.plural === type.plural) ? [] : [type.apiVersion],
    }),
    logs: async (pod) => ({ kind: 'ok', value: `log of ${pod.name}\n` }),
    credentialsExpireAt: () => null,
  };
};

const stamped = (object: KubeObject, old: Stored | undefined, resourceVersion: string): Stored => {
  const isSameSpec = JSON.stringify(object['spec']) === JSON.stringify(old?.['spec']);
  const generation = old === undefined ? 1 : (old.metadata.generation ?? 1) + (isSameSpec ? 0 : 1);
  const uid = old?.metadata.uid ?? object.metadata.uid ?? `uid-${resourceVersion}`;
  return { ...structuredClone(object), metadata: { ...object.metadata, uid, resourceVersion, generation } };
};

const missing = (ref: ObjectRef | ListRef): CallProblem => ({
  kind: 'missing',
  message: `${ref.plural} ${'name' in ref ? JSON.stringify(ref.name) : ''} not found`,
});
const conflict = (message: string): CallProblem => ({ kind: 'conflict', message });

/** What the object would be; null: gone. */
const plan = (request: Request, old: Stored | undefined): CallResult<KubeObject | null> => {
  const { verb, ref, contentType } = request;
  const body = structuredClone(request.body);
  if (verb === 'create') {
    return old === undefined && isObject(body)
      ? { kind: 'ok', value: body }
      : conflict(`${ref.plural} "${ref.name}" already exists`);
  }
  if (old === undefined) return missing(ref);
  if (verb === 'delete') {
    const { uid = old.metadata.uid, resourceVersion = old.metadata.resourceVersion } = preconditionsIn(body);
    const holds = uid === old.metadata.uid && resourceVersion === old.metadata.resourceVersion;
    return holds ? { kind: 'ok', value: null } : conflict('the preconditions do not hold');
  }
  if (contentType === 'application/merge-patch+json') {
    const merged = merge(structuredClone(old), body);
    return isObject(merged) ? { kind: 'ok', value: merged } : conflict('a merge patch must leave an object');
  }
  try {
    const operations = Array.isArray(body) ? body : [];
    return { kind: 'ok', value: fastJsonPatch.applyPatch(structuredClone(old), operations, true).newDocument };
  } catch {
    return conflict('the object is not as it was when the change was planned');
  }
};

const isObject = (value: unknown): value is KubeObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const preconditionsIn = (body: unknown): { uid?: string; resourceVersion?: string } =>
  isObject(body) ? Object(body['preconditions']) : {};

/** RFC 7396. */
const merge = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
};

/** `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`, joined by commas. */
const matches = (selector: string, labels: Readonly<Record<string, string>>): boolean =>
  (selector.match(/[^,(]+(\([^)]*\))?/g) ?? []).every((rule) => {
    const set = /^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)/.exec(rule);
    if (set !== null) {
      const values = (set[3] ?? '').split(',').map((value) => value.trim());
      const value = labels[set[1] ?? ''];
      return (value !== undefined && values.includes(value)) === (set[2] === 'in');
    }
    const [, key = '', operator = '', value = ''] = /^\s*!?([^=!\s]+)\s*(==?|!=)?\s*(\S*)/.exec(rule) ?? [];
    if (operator === '') return Object.hasOwn(labels, key) !== rule.trim().startsWith('!');
    return (labels[key] === value) === (operator !== '!=');
  });

const isListed = ({ labelSelector, fieldSelector }: ListRef, { metadata }: KubeObject): boolean =>
  matches(labelSelector, metadata.labels ?? {}) &&
  (fieldSelector === undefined || fieldSelector === `metadata.name=${metadata.name}`);

async function* nothing(): AsyncGenerator<never> {}

async function* watch(
  list: () => readonly KubeObject[],
  watchers: Set<(event: WatchEvent) => void>,
  ref: ListRef,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const queue: WatchEvent[] = list().map((object) => ({ type: 'ADDED', object }));
  let wake = (): void => {};
  const watcher = (event: WatchEvent): void => {
    const { apiVersion, kind, metadata } = event.object;
    const isOurs = apiVersion === ref.apiVersion && kind === ref.kind && metadata.namespace === ref.namespace;
    if (isOurs && isListed(ref, event.object)) queue.push(event);
    wake();
  };
  const stop = (): void => wake();
  watchers.add(watcher);
  signal.addEventListener('abort', stop, { once: true });
  try {
    while (!signal.aborted) {
      const event = queue.shift();
      if (event !== undefined) yield structuredClone(event);
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    watchers.delete(watcher);
    signal.removeEventListener('abort', stop);
  }
}
