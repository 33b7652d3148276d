import { canonical, isFields, listOf } from './shape.ts';

/**
 * The places in which two values differ, as people write them: `spec.containers[app].env[LEVEL].value`. List elements
 * that carry names are told apart by them, others by their index. Only paths: values may be secrets.
 */
export const changedPaths = (before: unknown, after: unknown, path: string): readonly string[] => {
  if (canonical(before) === canonical(after)) return [];
  if (isFields(before) && isFields(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return names.flatMap((name) => changedPaths(before[name], after[name], member(path, name)));
  }
  const [olds, news] = [listOf(before), listOf(after)];
  if (!Array.isArray(before) || !Array.isArray(after)) return [path];
  const [oldNames, newNames] = [namesOf(olds), namesOf(news)];
  if (oldNames !== null && newNames !== null) {
    const found = [...new Set([...oldNames, ...newNames])].flatMap((name) =>
      changedPaths(olds[oldNames.indexOf(name)], news[newNames.indexOf(name)], `${path}[${name}]`),
    );
    // The same elements in another order.
    return found.length === 0 ? [path] : found;
  }
  return olds.length === news.length
    ? olds.flatMap((old, index) => changedPaths(old, news[index], `${path}[${index}]`))
    : [path];
};

const member = (path: string, name: string): string => (/[./[\]]/.test(name) ? `${path}[${name}]` : `${path}.${name}`);

/** Of a list whose elements all have a name of their own; null otherwise. */
const namesOf = (list: readonly unknown[]): readonly string[] | null => {
  const names = list.map((one) => (isFields(one) && typeof one['name'] === 'string' ? one['name'] : null));
  const known = names.filter((name) => name !== null);
  return known.length === list.length && new Set(known).size === list.length ? known : null;
};
