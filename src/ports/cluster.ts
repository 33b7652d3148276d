import type { KubeObject, ListRef, ObjectRef, Request, ResourceKind } from '../core/objects.ts';

/** Why a call did not do what it was asked; the same words for every verb. Messages carry no credentials. */
export type CallProblem =
  | { readonly kind: 'conflict'; readonly message: string }
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'forbidden'; readonly message: string }
  | { readonly kind: 'unauthorised'; readonly message: string }
  | { readonly kind: 'throttled'; readonly message: string; readonly retryAfterMs: number | null }
  | { readonly kind: 'unreachable'; readonly message: string }
  | {
      readonly kind: 'invalid';
      readonly message: string;
      readonly causes: readonly { readonly field: string; readonly message: string }[];
    };

/** A failed JSON Patch `test` is a 422 with empty details: a conflict. A 409 AlreadyExists is a conflict too. */
export type CallResult<Value> = { readonly kind: 'ok'; readonly value: Value } | CallProblem;

export interface AccessQuestion {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string | null;
}

export type WatchEvent = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject };

/** The API server. No write is retried inside: the caller re-reads and re-plans. Reads may be retried by the transport. */
export interface Cluster {
  /** The namespace of the context in use. */
  readonly defaultNamespace: string;
  /** The server's URL without credentials, for messages. */
  readonly server: string;
  /** `missing` for an absent object, and for a kind the cluster does not serve. */
  read(ref: ObjectRef, signal: AbortSignal): Promise<CallResult<KubeObject>>;
  /** Follows `continue` to the end. */
  list(ref: ListRef, signal: AbortSignal): Promise<CallResult<readonly KubeObject[]>>;
  /** Ends when the signal fires or the server closes it; re-listing is the caller's. */
  watch(ref: ListRef, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** Strict field validation, our field manager. The answer's object; for delete the Status or the object. */
  send(
    request: Request,
    options: { readonly dryRun: boolean; readonly signal: AbortSignal },
  ): Promise<CallResult<KubeObject>>;
  /** GET through the service proxy: `service://NAMESPACE/NAME:PORT` + path. */
  proxy(
    service: { readonly namespace: string; readonly name: string; readonly port: string },
    path: string,
    signal: AbortSignal,
  ): Promise<CallResult<{ readonly status: number; readonly body: string; readonly retryAfterMs?: number | null }>>;
  /**
   * GET of a pod's own port through the API server. `path` begins with a slash; one with `..` is `invalid`: it would leave
   * the pod. Tried once; an answer over 2 MiB is `unreachable`. `port`: a number, as names are not known here.
   */
  podProxy(
    pod: {
      readonly namespace: string;
      readonly name: string;
      readonly port: number;
      readonly scheme: 'http' | 'https';
    },
    path: string,
    signal: AbortSignal,
  ): Promise<CallResult<{ readonly status: number; readonly body: string }>>;
  /** SelfSubjectAccessReview, one answer per question, in order. */
  can(questions: readonly AccessQuestion[], signal: AbortSignal): Promise<CallResult<readonly boolean[]>>;
  /** The apiVersions (`apps/v1`) of the kind's group that serve its plural, preferred first; [] when none. */
  discover(
    type: Pick<ResourceKind, 'apiVersion' | 'plural'>,
    signal: AbortSignal,
  ): Promise<CallResult<readonly string[]>>;
  /** The last lines of a container; hostile text. */
  logs(
    pod: ObjectRef,
    container: string,
    lines: number,
    previous: boolean,
    signal: AbortSignal,
  ): Promise<CallResult<string>>;
  /** When the credentials in use end, where that can be told (JWT `exp`, exec expiry). Epoch ms. */
  credentialsExpireAt(): number | null;
}
