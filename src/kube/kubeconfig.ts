import { readFileSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { KubeConfig, loadYaml } from '@kubernetes/client-node';
import { ok, problem, type Result } from '../core/units.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface KubeconfigOptions {
  /** Path or content; null: `$KUBECONFIG`, then the pod's service account, then `~/.kube/config`. */
  readonly kubeconfig: string | null;
  /** null: the file's current context. */
  readonly context: string | null;
  readonly environment: Environment;
  /** The proxy for the API server's URL; null: none. A `proxy-url` in the file wins. */
  readonly proxyFor: (url: URL) => string | null;
}

/** Credentials that client-node does not read, or does not renew in time; ours to apply. */
export type OwnCredential =
  | { readonly kind: 'token-file'; readonly path: string }
  | {
      readonly kind: 'exec';
      readonly command: string;
      readonly args: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly apiVersion: string;
    };

export interface LoadedKubeconfig {
  readonly config: KubeConfig;
  /** Without a slash at the end. */
  readonly server: string;
  readonly namespace: string;
  readonly own: OwnCredential | null;
  /** For redaction. */
  readonly secrets: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;
interface Document {
  readonly clusters: readonly Fields[];
  readonly users: readonly Fields[];
  readonly contexts: readonly Fields[];
  readonly currentContext: string | null;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Reads the files anew each time: a reload after a 401 finds renewed credentials. Problems never quote the file. */
export const loadKubeconfig = (options: KubeconfigOptions): Result<LoadedKubeconfig, { readonly message: string }> => {
  const document = readDocument(options);
  if (!document.ok) return document;
  const chosen = choose(document.value, options.context);
  if (!chosen.ok) return chosen;
  try {
    return ok(toLoaded(chosen.value, options));
  } catch {
    return problem({ message: 'the kubeconfig cannot be used: its cluster or user has a wrong form' });
  }
};

const readDocument = (options: KubeconfigOptions): Result<Document, { readonly message: string }> => {
  const { kubeconfig, environment } = options;
  if (kubeconfig !== null && isContent(kubeconfig)) return parseDocument(kubeconfig, null, 'the input kubeconfig');
  if (kubeconfig !== null) return readFiles([kubeconfig], 'the input kubeconfig');
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) return readFiles(listed, '$KUBECONFIG');
  const inCluster = serviceAccountDocument(environment);
  if (inCluster !== null) return ok(inCluster);
  const home = environment['HOME'] ?? environment['USERPROFILE'];
  const fallback = home === undefined ? null : readText(join(home, '.kube', 'config'));
  if (home === undefined || fallback === null) {
    return problem({ message: 'no kubeconfig: set the input kubeconfig or $KUBECONFIG, or run inside the cluster' });
  }
  return parseDocument(fallback, join(home, '.kube'), '~/.kube/config');
};

const isContent = (text: string): boolean => text.includes('\n') || text.trimStart().startsWith('{');

const readText = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

/** As kubectl merges: of two entries with one name the first file's counts, and missing files are left out. */
const readFiles = (paths: readonly string[], where: string): Result<Document, { readonly message: string }> => {
  const documents: Document[] = [];
  for (const path of paths) {
    const text = readText(path);
    if (text === null) continue;
    const document = parseDocument(text, dirname(resolve(path)), `${where} (${path})`);
    if (!document.ok) return document;
    documents.push(document.value);
  }
  if (documents.length === 0) return problem({ message: `${where}: cannot read ${paths.join(', ')}` });
  return ok({
    clusters: documents.flatMap((document) => document.clusters),
    users: documents.flatMap((document) => document.users),
    contexts: documents.flatMap((document) => document.contexts),
    currentContext: documents.find((document) => document.currentContext !== null)?.currentContext ?? null,
  });
};

const parseDocument = (
  text: string,
  directory: string | null,
  where: string,
): Result<Document, { readonly message: string }> => {
  let content: unknown;
  try {
    content = loadYaml(text);
  } catch {
    return problem({ message: `${where} is not YAML` });
  }
  const root = fields(content);
  const clusters = entries(root['clusters']);
  if (clusters.length === 0) return problem({ message: `${where} is not a kubeconfig: it names no clusters` });
  const current = textOf(root['current-context']);
  return ok({
    clusters: clusters.map((entry) => withAbsolute(entry, 'cluster', ['certificate-authority'], directory)),
    users: entries(root['users']).map((entry) => withAbsolute(entry, 'user', USER_FILES, directory)),
    contexts: entries(root['contexts']),
    currentContext: current === '' ? null : current,
  });
};

const USER_FILES = ['client-certificate', 'client-key', 'tokenFile'];

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
const entries = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fields) : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Paths in a kubeconfig are relative to the file. */
const withAbsolute = (entry: Fields, part: string, keys: readonly string[], directory: string | null): Fields => {
  const inner = fields(entry[part]);
  const absolute = keys.flatMap((key) => {
    const path = textOf(inner[key]);
    return path === '' || directory === null || isAbsolute(path) ? [] : [[key, join(directory, path)]];
  });
  return { ...entry, [part]: { ...inner, ...Object.fromEntries(absolute) } };
};

const serviceAccountDocument = (environment: Environment): Document | null => {
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (host === undefined || host === '' || readText(`${SERVICE_ACCOUNT}/token`) === null) return null;
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const namespace = readText(`${SERVICE_ACCOUNT}/namespace`)?.trim();
  const name = 'in-cluster';
  return {
    clusters: [{ name, cluster: { server, 'certificate-authority': `${SERVICE_ACCOUNT}/ca.crt` } }],
    users: [{ name, user: { tokenFile: `${SERVICE_ACCOUNT}/token` } }],
    contexts: [{ name, context: { cluster: name, user: name, namespace } }],
    currentContext: name,
  };
};

interface Chosen {
  readonly cluster: Fields;
  readonly user: Fields;
  readonly context: Fields;
}

const choose = (document: Document, wanted: string | null): Result<Chosen, { readonly message: string }> => {
  const named = (list: readonly Fields[], name: string): Fields | undefined =>
    list.find((entry) => entry['name'] === name);
  const name = wanted ?? document.currentContext;
  const known = document.contexts.map((entry) => textOf(entry['name'])).slice(0, 20);
  const list = known.length === 0 ? 'none' : known.join(', ');
  if (name === null) {
    return problem({ message: `the kubeconfig has no current context: set the input context to one of: ${list}` });
  }
  const entry = named(document.contexts, name);
  if (entry === undefined) return problem({ message: `the kubeconfig has no context "${name}"; it has: ${list}` });
  const context = fields(entry['context']);
  const cluster = named(document.clusters, textOf(context['cluster']));
  if (cluster === undefined) {
    return problem({
      message: `context "${name}" names the cluster "${textOf(context['cluster'])}", which is not there`,
    });
  }
  const userName = textOf(context['user']);
  const user = named(document.users, userName);
  if (user === undefined && userName !== '') {
    return problem({ message: `context "${name}" names the user "${userName}", which is not there` });
  }
  const server = textOf(fields(cluster['cluster'])['server']);
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    return problem({ message: `the server of context "${name}" is not an http or https URL` });
  }
  const refused = refusePlainHttp(new URL(server), fields(cluster['cluster']));
  return refused === null ? ok({ cluster, user: user ?? { name: 'anonymous' }, context }) : problem(refused);
};

/** Credentials over plain http only to this machine, or where the file says that TLS does not matter. */
const refusePlainHttp = (server: URL, cluster: Fields): { readonly message: string } | null =>
  server.protocol === 'http:' && !isLoopback(server) && cluster['insecure-skip-tls-verify'] !== true
    ? { message: `${server.origin} is plain http: credentials would travel unencrypted` }
    : null;

const isLoopback = (url: URL): boolean => /^(localhost|\[::1\]|127\.\d+\.\d+\.\d+)$/.test(url.hostname);

const toLoaded = ({ cluster, user, context }: Chosen, options: KubeconfigOptions): LoadedKubeconfig => {
  const clusterFields = fields(cluster['cluster']);
  const userFields = fields(user['user']);
  const url = new URL(textOf(clusterFields['server']));
  url.username = '';
  url.password = '';
  const server = url.href.replace(/\/+$/, '');
  const own = ownCredential(userFields);
  const proxy = textOf(clusterFields['proxy-url']) || options.proxyFor(url);
  const { exec: _exec, tokenFile: _tokenFile, ...kept } = userFields;
  const document = {
    clusters: [
      {
        name: 'cluster',
        cluster: {
          ...clusterFields,
          server,
          ...(proxy === null ? {} : { 'proxy-url': proxy }),
          // client-node refuses http otherwise; whether http may be used was decided above.
          ...(url.protocol === 'http:' ? { 'insecure-skip-tls-verify': true } : {}),
        },
      },
    ],
    users: [{ name: 'user', user: own === null ? userFields : { ...kept, 'auth-provider': { name: OWN_PROVIDER } } }],
    contexts: [{ name: 'context', context: { cluster: 'cluster', user: 'user' } }],
    'current-context': 'context',
  };
  const config = new KubeConfig();
  config.loadFromString(JSON.stringify(document));
  const { token, username, password } = userFields;
  const basic = Buffer.from(`${textOf(username)}:${textOf(password)}`).toString('base64');
  const secrets = [textOf(token), textOf(password), basic, proxy === null ? '' : proxyPassword(proxy)];
  return { config, server, namespace: textOf(context['namespace']) || 'default', own, secrets };
};

/** The name of our authenticator in the configuration handed to client-node. */
export const OWN_PROVIDER = 'canary-rollout';

const proxyPassword = (proxy: string): string => (URL.canParse(proxy) ? new URL(proxy).password : '');

/** A static token wins over a token file and a plugin, as in kubectl. */
const ownCredential = (user: Fields): OwnCredential | null => {
  if (textOf(user['token']) !== '') return null;
  const path = textOf(user['tokenFile']);
  if (path !== '') return { kind: 'token-file', path };
  const exec = fields(user['exec']);
  if (textOf(exec['command']) === '') return null;
  const env = entries(exec['env']).map((entry): [string, string] => [textOf(entry['name']), textOf(entry['value'])]);
  return {
    kind: 'exec',
    command: textOf(exec['command']),
    args: Array.isArray(exec['args']) ? exec['args'].map(String) : [],
    env: Object.fromEntries(env.filter(([name]) => name !== '')),
    apiVersion: textOf(exec['apiVersion']) || 'client.authentication.k8s.io/v1',
  };
};
