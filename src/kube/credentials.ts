import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import type { Environment, LoadedKubeconfig, OwnCredential } from './kubeconfig.ts';
import { OWN_PROVIDER } from './kubeconfig.ts';

/** A plugin that says nothing for this long hangs, or waits for a person. */
const PLUGIN_TIMEOUT_MS = 30_000;
/** Renewed this long before the end, so that no call is sent with a credential that ends on its way. */
const RENEW_EARLY_MS = 60_000;
const TOKEN_FILE_READ_EVERY_MS = 30_000;
/** What is left of a credential that is still sent while a new one is fetched. */
const SPARE_MS = 5_000;
const RENEW_AGAIN_MS = 10_000;

export interface Credential {
  readonly token: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** Epoch ms; null: until the server refuses it. */
  readonly expiresAt: number | null;
}

/** Says in words fit for the user why no credential could be had. */
export class CredentialError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CredentialError';
  }
}

/**
 * Token files, which client-node does not read, and exec plugins, which it asks again only after their credential has
 * ended. A new credential is fetched a minute before the end of the old one, which is used meanwhile: no call waits for a
 * plugin, and a plugin that fails once does no harm while the old credential lasts. `now`: epoch ms.
 */
export const credentialReader = (
  own: OwnCredential,
  environment: Environment,
  cluster: { readonly server: string },
  now: () => number = Date.now,
): (() => Promise<Credential>) => {
  let current: { readonly credential: Credential; readonly renewAt: number } | null = null;
  let reading: Promise<Credential> | null = null;
  const read = async (): Promise<Credential> => {
    const credential = own.kind === 'exec' ? await runPlugin(own, environment, cluster) : readTokenFile(own.path);
    const renewAt = own.kind === 'exec' ? (credential.expiresAt ?? Number.POSITIVE_INFINITY) - RENEW_EARLY_MS : 0;
    current = { credential, renewAt: Math.max(renewAt, now() + TOKEN_FILE_READ_EVERY_MS) };
    return credential;
  };
  const renew = (): Promise<Credential> => {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  };
  return async () => {
    const known = current;
    if (known !== null && now() < known.renewAt) return known.credential;
    if (known === null || now() > (known.credential.expiresAt ?? Number.POSITIVE_INFINITY) - SPARE_MS) return renew();
    const renewed = renew().catch(() => {
      current = { ...known, renewAt: now() + RENEW_AGAIN_MS };
      return known.credential;
    });
    // A file is there at once; a plugin is not waited for.
    return own.kind === 'exec' ? known.credential : renewed;
  };
};

/** Lets client-node apply our credentials with everything else that it applies. */
export const useCredential = (loaded: LoadedKubeconfig, credential: () => Promise<Credential>): void => {
  loaded.config.addAuthenticator({
    isAuthProvider: (user) => user.authProvider?.name === OWN_PROVIDER,
    applyAuthentication: async (_user, options: RequestOptions) => {
      const { token, cert, key } = await credential();
      if (token !== null) options.headers = { ...options.headers, Authorization: `Bearer ${token}` };
      if (cert !== null) options.cert = cert;
      if (key !== null) options.key = key;
    },
  });
};

const readTokenFile = (path: string): Credential => {
  try {
    return { token: readFileSync(path, 'utf8').trim(), cert: null, key: null, expiresAt: null };
  } catch {
    throw new CredentialError(`the token file ${path} cannot be read`);
  }
};

type Exec = OwnCredential & { readonly kind: 'exec' };

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats */
const runPlugin = async (
  exec: Exec,
  environment: Environment,
  cluster: { readonly server: string },
): Promise<Credential> => {
  const info = {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, cluster: { server: cluster.server } },
  };
  const env = { ...environment, KUBERNETES_EXEC_INFO: JSON.stringify(info), ...exec.env };
  const output = await outputOf(exec, env);
  try {
    const { status } = JSON.parse(output);
    const end = Date.parse(String(status.expirationTimestamp ?? ''));
    const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
    return {
      token: text(status.token),
      cert: text(status.clientCertificateData),
      key: text(status.clientKeyData),
      expiresAt: Number.isNaN(end) ? null : end,
    };
  } catch {
    throw new CredentialError(`the credential plugin ${exec.command} did not print an ExecCredential`);
  }
};

const outputOf = (exec: Exec, env: NodeJS.ProcessEnv): Promise<string> =>
  new Promise((resolve, reject) => {
    const plugin = spawn(exec.command, [...exec.args], { env, timeout: PLUGIN_TIMEOUT_MS, windowsHide: true });
    let output = '';
    let complaint = '';
    plugin.stdin.end();
    plugin.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    plugin.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      complaint = (complaint + chunk).slice(-4096);
    });
    plugin.on('error', () => reject(new CredentialError(`the credential plugin ${exec.command} cannot be started`)));
    plugin.on('close', (code, signal) => {
      const ending = signal ?? `exit code ${code}`;
      if (code === 0) resolve(output);
      else
        reject(new CredentialError(`the credential plugin ${exec.command} failed (${ending})${lastLine(complaint)}`));
    });
  });

/** Plugins say there what to do. Whatever is long enough to be a token is left out. */
const lastLine = (text: string): string => {
  const line = text.trim().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.replaceAll(/[\w+/=.-]{32,}/g, '***').slice(0, 200)}`;
};

/** `exp` of a JWT, epoch ms; null when the token is none or names no end. The signature is the server's concern. */
export const tokenExpiresAt = (token: string): number | null => {
  const payload = token.split('.')[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const end = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : null;
    return typeof end === 'number' && Number.isFinite(end) ? end * 1000 : null;
  } catch {
    return null;
  }
};

/** When a PEM client certificate ends, epoch ms; null when it cannot be read. */
export const certificateExpiresAt = (pem: string | Buffer): number | null => {
  try {
    const end = Date.parse(new X509Certificate(pem).validTo);
    return Number.isNaN(end) ? null : end;
  } catch {
    return null;
  }
};
