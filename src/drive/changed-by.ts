import { entriesOf, OUR_MANAGER, pathOf, toolNamed, type Writer } from '../core/field-managers.ts';
import type { KubeObject, Seen } from '../core/objects.ts';
import type { Target } from '../core/plan.ts';
import type { TrafficRouter } from '../ports/traffic-router.ts';

const latest = (writers: readonly Writer[]): Writer | null =>
  writers.reduce<Writer | null>((newest, one) => (newest === null || one.at > newest.at ? one : newest), null);

/**
 * Who last wrote one of these fields (`spec.rules[0].backendRefs`, `spec.replicas`) after us: the tool's name where it is
 * a known one, else its field manager's. null: the object does not tell. Hostile text.
 */
export const lastWriter = (object: KubeObject, fields: readonly string[]): Writer | null => {
  const entries = entriesOf(object);
  const ourLast = latest(entries.filter(({ manager }) => manager === OUR_MANAGER))?.at ?? 0;
  const paths = fields.map(pathOf);
  const others = entries.filter(
    ({ manager, at, owns }) =>
      manager !== OUR_MANAGER && manager !== '' && at >= ourLast && paths.some((path) => owns(path)),
  );
  const writer = latest(others);
  return writer === null ? null : { manager: toolNamed(writer.manager), at: writer.at };
};

/** Who changed the entries of ours that these objects carry; only to be asked when they are not as we wrote them. */
export const changedBy = (router: Pick<TrafficRouter, 'fields'>, seen: Seen, target: Target): string | null => {
  const writers = Object.entries(router.fields(seen, target)).flatMap(([key, fields]) => {
    const object = seen.objects.get(key) ?? null;
    const writer = object === null ? null : lastWriter(object, fields);
    return writer === null ? [] : [writer];
  });
  return latest(writers)?.manager ?? null;
};
