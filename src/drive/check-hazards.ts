import { type KubeObject, type ListRef, type Permission, refKey, type Seen } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import type { CallResult, Cluster } from '../ports/cluster.ts';
import type { Hazard, Situation } from '../ports/hazard.ts';
import { mergeSeen } from './read.ts';

type Listed = CallResult<readonly KubeObject[]>;

/** Looks for every hazard, from what was read and from lists of their own. What cannot be read is told as not checked. */
export const checkHazards = async (
  cluster: Cluster,
  hazards: readonly Hazard[],
  situation: Situation,
  seen: Seen,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const told = new Set(hazards.flatMap(({ reads }) => reads(situation, seen)).map(refKey));
  const wanted = hazards.flatMap(({ reads, optional }) => [
    ...reads(situation, seen),
    ...(optional?.(situation, seen) ?? []),
  ]);
  const unique = [...new Map(wanted.map((ref) => [refKey(ref), ref])).values()];
  const missing = unique.filter((ref) => !seen.lists.has(refKey(ref)));
  const answers = await Promise.all(
    missing.map(async (ref) => ({ ref, answer: await listServed(cluster, ref, signal) })),
  );
  const lists = new Map(
    answers.flatMap(({ ref, answer }) => {
      const listed = listIn(answer);
      return listed === null ? [] : [[refKey(ref), listed] as const];
    }),
  );
  const all = mergeSeen(seen, { objects: new Map(), lists });
  const unread = answers.filter(({ ref, answer }) => told.has(refKey(ref)) && listIn(answer) === null);
  return [...hazards.flatMap((hazard) => hazard.find(situation, all)), ...notChecked(unread)];
};

/**
 * A kind may be served in another version than the one asked for. One that is not served at all is forbidden to whoever has
 * no right on it, which says nothing: only discovery tells.
 */
const listServed = async (cluster: Cluster, ref: ListRef, signal: AbortSignal): Promise<Listed> => {
  const answer = await cluster.list(ref, signal);
  if (answer.kind !== 'missing' && answer.kind !== 'forbidden') return answer;
  const versions = await cluster.discover(ref, signal);
  if (versions.kind !== 'ok') return answer;
  const [served] = versions.value;
  if (served === undefined) return { kind: 'missing', message: `${ref.plural} are not served` };
  const isOther = answer.kind === 'missing' && !versions.value.includes(ref.apiVersion);
  return isOther ? cluster.list({ ...ref, apiVersion: served }, signal) : answer;
};

/** null: it may be there, and could not be read. A kind that is not served has no objects. */
const listIn = (answer: Listed): readonly KubeObject[] | null =>
  answer.kind === 'ok' ? answer.value : answer.kind === 'missing' ? [] : null;

/** One warning for all of them. */
const notChecked = (unread: readonly { readonly ref: ListRef; readonly answer: Listed }[]): readonly Finding[] => {
  if (unread.length === 0) return [];
  const kinds = [...new Set(unread.map(({ ref }) => ref.kind))].sort().join(', ');
  const reasons = [...new Set(unread.map(({ answer }) => answer.kind))].sort().join(', ');
  return [
    {
      severity: 'warning',
      code: 'policy-mismatch',
      where: 'cluster',
      message: `not checked, because they cannot be read (${reasons}): ${kinds}`,
      advice: 'give the runner the right to list them, as the Role of `command: plan` has it',
    },
  ];
};

export const hazardPermissions = (hazards: readonly Hazard[]): readonly Permission[] =>
  hazards.flatMap(({ permissions }) => permissions);
