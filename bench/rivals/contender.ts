import type { Context } from '../../e2e/harness/shop.ts';

export const APP = 'checkout';
export const RPS = 100;
/** What both versions fail: a release that is to blame fails more than this. */
export const BASE_RATE = '0.005';
/** All contenders' plan, in %, 10 s each. */
export const WEIGHTS = [5, 10, 20, 50, 80] as const;
export const STEP_SECONDS = 10;
/** Of good answers: what Flagger's documentation asks for, and a base rate of 0.5 % allows. */
export const LEAST_SUCCESS_PERCENT = 99;

/** `no verdict`: none within the time a release may take. */
export type Verdict = 'promoted' | 'rolled-back' | 'no verdict';

export interface Judged {
  readonly verdict: Verdict;
  /** Why, as far as it is told. */
  readonly reason: string;
}

/** An app in a namespace of its own that one contender releases, with users. */
export interface Installed {
  /** The host its users ask for. */
  readonly host: string;
  /** Releases the version with this tag and waits for the verdict. */
  release(version: string): Promise<Judged>;
}

/** Who judges. */
export interface Contender {
  readonly name: string;
  readonly key: string;
  /** Sets the app up in a new namespace; resolves when it can have users. */
  install(context: Context, namespace: string): Promise<Installed>;
}

/** A release may take five steps and some time around them. */
export const RELEASE_MS = 240_000;

/** Of a Deployment's or a Rollout's first container. */
export const imagePatch = (image: string): readonly object[] => [
  { op: 'replace', path: '/spec/template/spec/containers/0/image', value: image },
];

/** Throws when it is refused. */
export const setImage = async ({ kube }: Context, path: string, image: string): Promise<void> => {
  const { status } = await kube.call('PATCH', path, [...imagePatch(image)], 'application/json-patch+json');
  if (status !== 200) throw new Error(`${path}: the image was not changed (${status})`);
};

/** The first answer that is not null; null when there is none in time. */
export const within = async <T>(ms: number, ask: () => Promise<T | null>): Promise<T | null> => {
  const deadline = Date.now() + ms;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return null;
};

export const applyAll = async ({ stack }: Context, objects: readonly object[]): Promise<void> => {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  await stack.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(list));
};
