import { createHash } from 'node:crypto';
import { durationMs } from './context.ts';

/** What a pod does, as its image's tag and its annotations say. The words are those of the e2e stack's farm. */
export interface Behaviour {
  readonly version: string;
  /** Share of requests answered 500: tag `bad` is 0.5, `bad5` 0.05; annotation `farm/error-rate`. */
  readonly errorRate: number;
  /** Tag `slow` is 300, `slow80` 80; annotation `farm/latency-ms`; 2 otherwise. */
  readonly latencyMs: number;
  /** Time to answer for 2 % of requests; annotation `farm/latency-p99-ms`. */
  readonly latencyP99Ms: number;
  /** Tag `crash` never starts, tag `missing` has no image, annotation `farm/ready: "false"` runs and is never ready. */
  readonly start: 'ready' | 'crash' | 'missing' | 'never-ready';
  readonly startDelayMs: number | null;
  readonly stopDelayMs: number | null;
}

const numberAfter = (word: string, tag: string, whenBare: number): number | null => {
  const [match, digits] = new RegExp(`${word}(\\d*)`).exec(tag) ?? [];
  if (match === undefined) return null;
  return digits === undefined || digits === '' ? whenBare : Number(digits);
};

const startOf = (tag: string, annotations: Readonly<Record<string, string>>): Behaviour['start'] => {
  if (tag.includes('crash')) return 'crash';
  if (tag.includes('missing')) return 'missing';
  return annotations['farm/ready'] === 'false' ? 'never-ready' : 'ready';
};

const delay = (annotations: Readonly<Record<string, string>>, name: string): number | null => {
  const text = annotations[`sandbox/${name}`] ?? annotations[`farm/${name}`];
  return text === undefined ? null : durationMs(text, 0);
};

export const tagOf = (image: string): string => image.split(/[:@]/).at(-1) ?? image;

export const behaviourOf = (image: string, annotations: Readonly<Record<string, string>> = {}): Behaviour => {
  const version = tagOf(image);
  const latencyMs = Number(annotations['farm/latency-ms'] ?? numberAfter('slow', version, 300) ?? 2);
  return {
    version,
    errorRate: Number(annotations['farm/error-rate'] ?? (numberAfter('bad', version, 50) ?? 0) / 100),
    latencyMs,
    latencyP99Ms: Number(annotations['farm/latency-p99-ms'] ?? latencyMs),
    start: startOf(version, annotations),
    startDelayMs: delay(annotations, 'start-delay'),
    stopDelayMs: delay(annotations, 'stop-delay'),
  };
};

/** The digest that a tag resolves to: always the same one for the same tag, unless the sandbox is told to move it. */
export const imageIdOf = (image: string, moved: ReadonlyMap<string, string>): string => {
  const repository = image.replace(/(@.*|:[^:/@]+)$/, '');
  const pinned = /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1];
  const digest =
    pinned ??
    `sha256:${createHash('sha256')
      .update(moved.get(image) ?? image)
      .digest('hex')}`;
  return `${repository}@${digest}`;
};
