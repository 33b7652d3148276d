import { CONFIG_MAP, objectRef, SERVICE } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import type { Manifest, ManifestObject } from '../core/spec.ts';
import { writtenPaths } from '../core/written-paths.ts';
import type { Cluster } from '../ports/cluster.ts';

const TYPES = { ConfigMap: CONFIG_MAP, Service: SERVICE } as const;
const MOST_READ = 50;
const MOST_NAMED = 10;

type Compared = { readonly object: ManifestObject; readonly how: 'same' | 'differs' | 'missing' | 'unknown' };

/**
 * One warning of everything in a manifest that is not released: first what differs from the cluster, where it can be told,
 * then what was not compared. What is the same already is not named.
 */
export const checkOthers = async (
  cluster: Cluster,
  namespace: string,
  { file, others }: Manifest,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const compared = await Promise.all(
    others.map((object, index) => compare(cluster, namespace, object, index < MOST_READ, signal)),
  );
  const of = (...hows: readonly Compared['how'][]): readonly string[] =>
    compared.filter(({ how }) => hows.includes(how)).map(nameOf);
  const changed = of('differs', 'missing');
  const unknown = of('unknown');
  if (changed.length + unknown.length === 0) return [];
  const parts = [
    ...(changed.length === 0 ? [] : [`not as in the cluster, and left so: ${some(changed)}`]),
    ...(unknown.length === 0 ? [] : [`not compared: ${some(unknown)}`]),
  ];
  return [
    {
      severity: 'warning',
      code: 'invalid-config',
      where: file,
      message: `only the Deployment of ${file} is released; ${parts.join('; ')}`,
      advice: 'apply what the new version needs before the release, and the rest after it',
    },
  ];
};

const compare = async (
  cluster: Cluster,
  namespace: string,
  object: ManifestObject,
  isRead: boolean,
  signal: AbortSignal,
): Promise<Compared> => {
  const type = TYPES[object.kind as keyof typeof TYPES];
  if (object.content === null || type === undefined || !isRead) return { object, how: 'unknown' };
  const live = await cluster.read(objectRef(type, object.namespace ?? namespace, object.name), signal);
  if (live.kind === 'missing') return { object, how: 'missing' };
  if (live.kind !== 'ok') return { object, how: 'unknown' };
  const { content } = object;
  // Keys that are gone from the file are gone from a ConfigMap too.
  const members = object.kind === 'ConfigMap' ? ['data', 'binaryData'] : ['spec'];
  const isSame = members.every((member) =>
    object.kind === 'ConfigMap'
      ? sameTexts(live.value[member], content[member])
      : writtenPaths(live.value[member], content[member] ?? {}, member).length === 0,
  );
  return { object, how: isSame ? 'same' : 'differs' };
};

const sameTexts = (live: unknown, written: unknown): boolean =>
  writtenPaths(live ?? {}, written ?? {}, '').length === 0 && writtenPaths(written ?? {}, live ?? {}, '').length === 0;

const nameOf = ({ object: { kind, name, line }, how }: Compared): string =>
  `${kind} ${name} (line ${line}${how === 'missing' ? ', does not exist' : ''})`;

const some = (names: readonly string[]): string =>
  names.length <= MOST_NAMED
    ? names.join(', ')
    : `${names.slice(0, MOST_NAMED).join(', ')}, and ${names.length - MOST_NAMED} more`;
