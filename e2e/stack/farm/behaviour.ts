/** How a pod answers, read from its template's annotations or, because a release is often nothing but a new image, from its image tag. */
export interface Behaviour {
  /** Share of requests that fail, 0 to 1, while all is well around the pod. */
  readonly errorRate: number;
  readonly latencyMs: number;
  /** Time to answer for 2 % of requests, so that it is the p99. */
  readonly latencyP99Ms: number;
  /** How long requests are still accepted after deletion, as with a preStop sleep. */
  readonly drainMs: number;
}

const durationMs = (text: string): number => {
  const [, amount, unit] = /^([\d.]+)(ms|s)$/.exec(text) ?? [];
  return Number(amount) * (unit === 's' ? 1000 : 1);
};

/** `bad2` is 2 for the word `bad`; a bare `bad` is `whenBare`; undefined when the word is missing. */
const ofTag = (tag: string, word: string, whenBare: number): number | undefined => {
  const [match, digits] = new RegExp(`${word}(\\d*)`).exec(tag) ?? [];
  if (match === undefined) return undefined;
  return digits ? Number(digits) : whenBare;
};

export const behaviourOf = (annotations: Readonly<Record<string, string>>, tag: string): Behaviour => {
  const latencyMs = Number(annotations['farm/latency-ms'] ?? ofTag(tag, 'slow', 300) ?? 2);
  return {
    // A release adds its own failures to those that the app has always had.
    errorRate: Number(annotations['farm/error-rate'] ?? 0) + (ofTag(tag, 'bad', 50) ?? 0) / 100,
    latencyMs,
    latencyP99Ms: Number(annotations['farm/latency-p99-ms'] ?? latencyMs),
    drainMs: durationMs(annotations['farm/drain'] ?? '1500ms'),
  };
};
