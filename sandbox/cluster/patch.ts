import type { Json, JsonObject } from './objects.ts';
import { clone, isObject, sameJson } from './objects.ts';
import { badRequest, patchRejected } from './status.ts';

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
}

const pointer = (path: string): string[] => {
  if (path === '') return [];
  if (!path.startsWith('/')) throw patchRejected();
  return path
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
};

const indexOf = (key: string, limit: number): number => {
  if (!/^(0|[1-9]\d*)$/.test(key) || Number(key) > limit) throw patchRejected();
  return Number(key);
};

const childOf = (node: Json, key: string): Json | undefined => {
  if (Array.isArray(node)) return node[indexOf(key, node.length - 1)];
  return isObject(node) ? node[key] : undefined;
};

/** The container that holds the last part of the path. A missing one is never made. */
const parentOf = (root: Json, parts: readonly string[]): Json => {
  let node: Json | undefined = root;
  for (const part of parts.slice(0, -1)) node = node === undefined ? undefined : childOf(node, part);
  if (node === undefined || node === null || typeof node !== 'object') throw patchRejected();
  return node;
};

const put = (root: Json, path: string, value: Json, mode: 'add' | 'replace'): Json => {
  const parts = pointer(path);
  const key = parts.at(-1);
  if (key === undefined) return value;
  const parent = parentOf(root, parts);
  if (Array.isArray(parent)) {
    if (mode === 'add') parent.splice(key === '-' ? parent.length : indexOf(key, parent.length), 0, value);
    else parent[indexOf(key, parent.length - 1)] = value;
  } else if (isObject(parent)) {
    // The library of the real server replaces a member that is missing, too: only a `test` tells.
    parent[key] = value;
  }
  return root;
};

const take = (root: Json, path: string): Json => {
  const parts = pointer(path);
  const key = parts.at(-1);
  if (key === undefined) throw patchRejected();
  const parent = parentOf(root, parts);
  const value = childOf(parent, key);
  if (value === undefined) throw patchRejected();
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (isObject(parent)) delete parent[key];
  return value;
};

const read = (root: Json, path: string): Json | undefined => {
  const parts = pointer(path);
  const key = parts.at(-1);
  return key === undefined ? root : childOf(parentOf(root, parts), key);
};

const step = (root: Json, operation: Operation): Json => {
  const { op, path, from, value } = operation;
  if (typeof path !== 'string') throw patchRejected();
  switch (op) {
    case 'add':
    case 'replace':
      return put(root, path, clone(value ?? null), op);
    case 'remove':
      take(root, path);
      return root;
    case 'move':
      return put(root, path, take(root, from ?? ''), 'add');
    case 'copy': {
      const copied = read(root, from ?? '');
      if (copied === undefined) throw patchRejected();
      return put(root, path, clone(copied), 'add');
    }
    case 'test':
      // A missing member equals null, a missing parent equals nothing.
      if (!sameJson(read(root, path) ?? null, value ?? null)) throw patchRejected();
      return root;
    default:
      throw patchRejected();
  }
};

/** RFC 6902. Whatever does not apply, a failed `test` among it, is one and the same 422. */
export const jsonPatch = (document: Json, operations: Json): Json => {
  if (!Array.isArray(operations))
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
    );
  return (operations as unknown as Operation[]).reduce(step, clone(document));
};

/** RFC 7386. */
export const mergePatch = (document: Json, patch: Json): Json => {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key] ?? null, value);
  }
  return merged;
};
