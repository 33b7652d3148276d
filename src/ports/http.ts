/** GET only: sources read. Redirects are not followed, responses are bounded, secrets are redacted from messages. */
export interface Http {
  get(url: string, options: HttpOptions): Promise<HttpAnswer>;
}

export interface HttpOptions {
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** PEM of the authority to trust instead of the system's. */
  readonly ca: string | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** A larger answer is `unreachable`; 16 MiB when left out. */
  readonly largestBytes?: number;
  /** How often a network error or a 5xx is tried again; twice when left out. */
  readonly retries?: number;
}

export type HttpAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string; readonly retryAfterMs: number | null }
  | { readonly kind: 'unreachable'; readonly message: string };
