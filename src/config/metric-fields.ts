import { entryOf, type MapTree, type Place, type Report, type ScalarTree } from './tree.ts';
import { nearest } from './words.ts';

/** One metric's map while it is read. */
export interface MetricFields {
  readonly tree: MapTree;
  /** null: not given, or of a wrong shape, which is reported. */
  readonly scalar: (key: string) => ScalarTree | null;
  readonly number: (key: string) => number | null;
  /** Where a mistake in a key is shown. */
  readonly placeOf: (key: string) => Place;
  readonly report: Report;
}

export const fieldsOf = (
  tree: MapTree,
  report: Report,
  broken: (path: string) => boolean,
  onBroken: () => void,
): MetricFields => {
  const scalar = (key: string): ScalarTree | null => {
    const value = entryOf(tree, key)?.value;
    if (value === undefined) return null;
    if (value.kind === 'scalar' && !broken(value.place.path)) return value;
    onBroken();
    return null;
  };
  return {
    tree,
    scalar,
    number: (key) => {
      const value = scalar(key)?.value;
      return typeof value === 'number' ? value : null;
    },
    placeOf: (key) => entryOf(tree, key)?.place ?? tree.place,
    report,
  };
};

/** A misspelt key was probably meant as one of these: it is reported by its name, and not missed as well. */
export const isMisspelt = (tree: MapTree, keys: readonly string[], known: readonly string[]): boolean =>
  tree.entries.some(({ key }) => !known.includes(key) && keys.includes(nearest(key, known) ?? ''));
