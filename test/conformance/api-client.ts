import http from 'node:http';
import https from 'node:https';

/** A rule as a Role states it. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Where an API server is and how to enter it. The namespace exists and is empty. */
export interface Connection {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: string;
  readonly namespace: string;
}

export interface Entrance extends Connection {
  /** Makes an identity that may do this in the namespace and nothing else; its token. */
  grant(rules: readonly Rule[]): Promise<string>;
}

export interface Reply {
  readonly code: number;
  readonly contentType: string;
  readonly text: string;
  /** The body as JSON; null where it is none. */
  readonly body: Tree;
}

/** A body as it came: read by `at`. */
export type Tree = unknown;

export const at = (tree: Tree, ...path: readonly (string | number)[]): Tree =>
  path.reduce<Tree>(
    (node, key) =>
      typeof node === 'object' && node !== null ? (node as Record<string | number, unknown>)[key] : undefined,
    tree,
  );

export interface ApiClient {
  readonly namespace: string;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Reply>;
  post(path: string, body: unknown): Promise<Reply>;
  put(path: string, body: unknown): Promise<Reply>;
  jsonPatch(path: string, operations: unknown): Promise<Reply>;
  mergePatch(path: string, patch: unknown): Promise<Reply>;
  patchAs(contentType: string, path: string, text: string): Promise<Reply>;
  delete(path: string, options?: unknown): Promise<Reply>;
  /** Reads watch events until there are enough; gives what came after `timeoutMs` at the latest. */
  watch(path: string, enough: (events: readonly Tree[]) => boolean, timeoutMs?: number): Promise<Tree[]>;
}

const parsed = (text: string): Tree => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

const open = (
  connection: Connection,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | null,
): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    const url = new URL(path, connection.url);
    const client = url.protocol === 'https:' ? https : http;
    // Node frames the body of a DELETE only when it is told its length.
    const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const options = { method, headers: { ...headers, ...length }, ca: connection.ca, agent: false };
    const request = client.request(url, options, resolve);
    request.on('error', reject);
    request.end(body ?? undefined);
  });

const call = async (
  connection: Connection,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: string | null,
): Promise<Reply> => {
  const response = await open(connection, method, path, headers, body);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const contentType = response.headers['content-type'] ?? '';
  return { code: response.statusCode ?? 0, contentType, text, body: parsed(text) };
};

const watch = async (
  connection: Connection,
  path: string,
  enough: (events: readonly Tree[]) => boolean,
  timeoutMs: number,
): Promise<Tree[]> => {
  const events: Tree[] = [];
  const response = await open(connection, 'GET', path, connection.headers, null);
  const timer = setTimeout(() => response.destroy(), timeoutMs);
  let rest = '';
  try {
    for await (const chunk of response) {
      const lines = `${rest}${chunk}`.split('\n');
      rest = lines.pop() ?? '';
      events.push(...lines.filter((line) => line !== '').map(parsed));
      if (enough(events)) break;
    }
  } catch {
    // The time was up.
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
  return events;
};

export const apiClient = (connection: Connection): ApiClient => {
  const send = (method: string, path: string, contentType: string, body: unknown): Promise<Reply> =>
    call(connection, method, path, { ...connection.headers, 'content-type': contentType }, JSON.stringify(body));
  return {
    namespace: connection.namespace,
    get: (path, headers = connection.headers) => call(connection, 'GET', path, headers, null),
    post: (path, body) => send('POST', path, 'application/json', body),
    put: (path, body) => send('PUT', path, 'application/json', body),
    jsonPatch: (path, operations) => send('PATCH', path, 'application/json-patch+json', operations),
    mergePatch: (path, patch) => send('PATCH', path, 'application/merge-patch+json', patch),
    patchAs: (contentType, path, text) =>
      call(connection, 'PATCH', path, { ...connection.headers, 'content-type': contentType }, text),
    delete: (path, options = {}) => send('DELETE', path, 'application/json', options),
    watch: (path, enough, timeoutMs = 5000) => watch(connection, path, enough, timeoutMs),
  };
};

/** A refusal as the API server words it. */
export const failure = (code: number, reason: string, message: string, details?: object): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  ...(details !== undefined && { details }),
  code,
});

export const deployment = (name: string, spec: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'app', image: 'registry.example/app:1', ports: [{ containerPort: 80 }] }] },
    },
    ...spec,
  },
});

export const route = (name: string, rules: object[]): object => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name },
  spec: { parentRefs: [{ name: 'nowhere' }], rules },
});
