import type { ObjectRef, Request } from './objects.ts';
import type { Json } from './units.ts';

/** One operation of RFC 6902; `path` is a JSON Pointer. `add` on a member that exists replaces it. */
export type Operation =
  | { readonly op: 'test' | 'add'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string };

export const testOf = (path: string, value: Json): Operation => ({ op: 'test', path, value });
export const addAt = (path: string, value: Json): Operation => ({ op: 'add', path, value });
export const removeAt = (path: string): Operation => ({ op: 'remove', path });

/** The API server refuses the whole patch with a 422 without details when a `test` fails. */
export const jsonPatch = (ref: ObjectRef, operations: readonly Operation[]): Request => ({
  verb: 'patch',
  ref,
  contentType: 'application/json-patch+json',
  body: operations,
});
