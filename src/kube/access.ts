import type { ResourceKind } from '../core/objects.ts';
import { groupOf } from '../core/objects.ts';
import type { AccessQuestion, CallResult } from '../ports/cluster.ts';
import type { AskJson } from './answers.ts';
import { discoveryPath, versionPath } from './paths.ts';
import { get } from './transport.ts';

/** Enough to be quick, few enough that a small API server does not throttle. */
const PARALLEL_REVIEWS = 8;

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);

/** One SelfSubjectAccessReview per question; the first problem ends it. A resource may name a subresource: `pods/log`. */
export const can = async (
  ask: AskJson,
  questions: readonly AccessQuestion[],
  signal: AbortSignal,
): Promise<CallResult<readonly boolean[]>> => {
  const answers: boolean[] = [];
  for (let start = 0; start < questions.length; start += PARALLEL_REVIEWS) {
    const batch = questions.slice(start, start + PARALLEL_REVIEWS);
    for (const result of await Promise.all(batch.map((question) => review(ask, question, signal)))) {
      if (result.kind !== 'ok') return result;
      answers.push(result.value);
    }
  }
  return { kind: 'ok', value: answers };
};

const review = async (ask: AskJson, question: AccessQuestion, signal: AbortSignal): Promise<CallResult<boolean>> => {
  const [resource = '', subresource] = question.resource.split('/');
  const attributes = {
    verb: question.verb,
    group: question.group,
    resource,
    namespace: question.namespace,
    ...(subresource === undefined ? {} : { subresource }),
    ...(question.name === null ? {} : { name: question.name }),
  };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: attributes },
  };
  const result = await ask(
    {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      contentType: 'application/json',
      body: JSON.stringify(body),
      accept: 'application/json',
      isQuestion: true,
    },
    signal,
  );
  if (result.kind !== 'ok') return result;
  const { status } = result.value;
  return { kind: 'ok', value: isFields(status) && status['allowed'] === true };
};

/** Versions of the kind's group that serve its plural, the server's preferred one first. */
export const discover = async (
  ask: AskJson,
  type: Pick<ResourceKind, 'apiVersion' | 'plural'>,
  signal: AbortSignal,
): Promise<CallResult<readonly string[]>> => {
  const group = groupOf({ ...type, kind: '' });
  const found = await ask(get(discoveryPath(group)), signal);
  if (found.kind === 'missing') return { kind: 'ok', value: [] };
  if (found.kind !== 'ok') return found;
  const versions = versionsIn(group, found.value);
  const served = await Promise.all(versions.map((version) => serves(ask, version, type.plural, signal)));
  const failed = served.find((result) => result.kind !== 'ok');
  if (failed !== undefined) return failed;
  return { kind: 'ok', value: versions.filter((_, index) => isTrue(served[index])) };
};

const isTrue = (result: CallResult<boolean> | undefined): boolean => result?.kind === 'ok' && result.value;

/** APIVersions of the core group, APIGroup of others. */
const versionsIn = (group: string, found: Fields): readonly string[] => {
  if (group === '') return Array.isArray(found['versions']) ? found['versions'].map(String) : [];
  const preferred = isFields(found['preferredVersion']) ? found['preferredVersion'] : {};
  const all = [preferred, ...listOf(found['versions'])].map((version) => String(version['groupVersion'] ?? ''));
  return [...new Set(all)].filter((version) => version.startsWith(`${group}/`));
};

const serves = async (
  ask: AskJson,
  version: string,
  plural: string,
  signal: AbortSignal,
): Promise<CallResult<boolean>> => {
  const found = await ask(get(versionPath(version)), signal);
  if (found.kind === 'missing') return { kind: 'ok', value: false };
  if (found.kind !== 'ok') return found;
  return { kind: 'ok', value: listOf(found.value['resources']).some((resource) => resource['name'] === plural) };
};
