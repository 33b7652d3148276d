import { redactor } from '../core/redact.ts';
import { ok, type Result } from '../core/units.ts';
import { certificateExpiresAt, credentialReader, tokenExpiresAt, useCredential } from './credentials.ts';
import { type KubeconfigOptions, type LoadedKubeconfig, loadKubeconfig } from './kubeconfig.ts';
import { type Answer, type Call, exchange, TransportError } from './transport.ts';

const DEADLINE_MS = 10_000;
const READ_TRIES = 3;
/** Three times as long each time. */
const FIRST_PAUSE_MS = 200;
/** A longer wait that the server asks for is the caller's to spend. */
const LONGEST_RETRY_WAIT_MS = 2_000;
/** Somebody may have put a new kubeconfig in the place of one whose credentials end: it is looked for this early, this often. */
const RELOAD_EARLY_MS = 60_000;
const RELOAD_EVERY_MS = 30_000;

export interface ClusterOptions extends KubeconfigOptions {
  readonly userAgent: string;
  /** Told of every request sent, retries too: `proxied` ones go on to a Service or a pod. */
  readonly onRequest?: (kind: 'api' | 'proxied') => void;
  /** Of each attempt; 10 s when left out. */
  readonly deadlineMs?: number;
}

export type Outcome =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'unreachable'; readonly message: string; readonly transient: boolean };

export interface Session {
  readonly loaded: LoadedKubeconfig;
  /** Epoch ms; null when it cannot be told, or when credentials renew themselves. */
  readonly expiresAt: number | null;
  readonly redact: (text: string) => string;
}

export interface Sender {
  session(): Session;
  /** Reads are tried again; a 401 makes the kubeconfig be read anew once. Never rejects. */
  send(call: Call, signal: AbortSignal): Promise<Outcome>;
}

export const createSender = (options: ClusterOptions): Result<Sender, { readonly message: string }> => {
  const first = openSession(options);
  if (!first.ok) return first;
  let session = first.value;
  let reloadAt = 0;
  const reload = (): void => {
    const renewed = openSession(options);
    if (renewed.ok) session = renewed.value;
    reloadAt = Date.now() + RELOAD_EVERY_MS;
  };
  const authorised = async (call: Call, signal: AbortSignal): Promise<Outcome> => {
    const endsSoon = session.expiresAt !== null && Date.now() > session.expiresAt - RELOAD_EARLY_MS;
    if (endsSoon && Date.now() > reloadAt) reload();
    const used = session;
    const outcome = await sendOnce(call, used, options, signal);
    if (outcome.kind !== 'answer' || outcome.answer.status !== 401) return outcome;
    // Of many calls that are refused at once, the first reloads for all.
    if (session === used) reload();
    // The call was refused before anything was done, so that a write may be sent again too.
    return session === used ? outcome : sendOnce(call, session, options, signal);
  };
  return ok({
    session: () => session,
    send: (call, signal) =>
      (call.method === 'GET' || call.isQuestion === true) && call.isOnce !== true
        ? withRetries(authorised, call, signal, options.deadlineMs ?? DEADLINE_MS)
        : authorised(call, signal),
  });
};

/**
 * When credentials end is known of static tokens and client certificates. A plugin or a token file gives new ones: the
 * end of what they gave last is not the end.
 */
const openSession = (options: ClusterOptions): Result<Session, { readonly message: string }> => {
  const result = loadKubeconfig(options);
  if (!result.ok) return result;
  const loaded = result.value;
  const secrets = new Set(loaded.secrets);
  if (loaded.own !== null) {
    const read = credentialReader(loaded.own, options.environment, loaded);
    useCredential(loaded, async () => {
      const credential = await read();
      if (credential.token !== null) secrets.add(credential.token);
      return credential;
    });
  }
  return ok({ loaded, expiresAt: expiryOf(loaded), redact: (text) => redactor([...secrets])(text) });
};

const expiryOf = ({ config, own }: LoadedKubeconfig): number | null => {
  if (own !== null) return null;
  const user = config.getCurrentUser();
  if (user?.token) return tokenExpiresAt(user.token);
  return user?.certData ? certificateExpiresAt(Buffer.from(user.certData, 'base64')) : null;
};

const sendOnce = async (
  call: Call,
  session: Session,
  options: ClusterOptions,
  signal: AbortSignal,
): Promise<Outcome> => {
  options.onRequest?.(/\/(?:services|pods)\/[^/]+\/proxy\//.test(call.path) ? 'proxied' : 'api');
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(options.deadlineMs ?? DEADLINE_MS)]);
  try {
    return { kind: 'answer', answer: await exchange(session.loaded, call, options.userAgent, deadline) };
  } catch (error) {
    const reason = error instanceof TransportError ? error : new TransportError('the connection failed', true);
    const message = session.redact(`${session.loaded.server}: ${reason.message}`);
    return { kind: 'unreachable', message, transient: reason.transient };
  }
};

/** The last outcome counts, whatever it is. */
const withRetries = async (
  send: (call: Call, signal: AbortSignal) => Promise<Outcome>,
  call: Call,
  signal: AbortSignal,
  deadlineMs: number,
): Promise<Outcome> => {
  const giveUpAt = Date.now() + deadlineMs;
  for (let tries = 1; ; tries += 1) {
    const outcome = await send(call, signal);
    const waitMs = waitBeforeRetry(outcome);
    const isLast = tries === READ_TRIES || Date.now() >= giveUpAt;
    if (waitMs === null || isLast || signal.aborted) return outcome;
    await pause(Math.max(waitMs, FIRST_PAUSE_MS * 3 ** (tries - 1)), signal);
  }
};

/** What the server asks for before a read is worth trying again; null: it is not worth it. */
const waitBeforeRetry = (outcome: Outcome): number | null => {
  if (outcome.kind === 'unreachable') return outcome.transient ? 0 : null;
  const { status, retryAfterMs } = outcome.answer;
  if (status !== 429 && status < 500) return null;
  const wait = retryAfterMs ?? 0;
  return wait > LONGEST_RETRY_WAIT_MS ? null : wait;
};

/** Ends early when the signal fires. */
const pause = (waitMs: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(end, waitMs);
    function end(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end, { once: true });
  });
