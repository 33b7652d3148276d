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
}

export type HttpAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string; readonly retryAfterMs: number | null }
  | { readonly kind: 'unreachable'; readonly message: string };
