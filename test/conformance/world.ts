import fastJsonPatch from 'fast-json-patch';
import {
  isListRef,
  type KubeObject,
  type ObjectRef,
  type ReadRef,
  type Request,
  refKey,
  type Seen,
} from '../../src/core/objects.ts';
import { canonical } from '../../src/core/shape.ts';

/** Objects as an API server would hold them. What a test changes is a new world. */
export type World = ReadonlyMap<string, KubeObject>;

export interface Placed {
  readonly ref: ObjectRef;
  readonly object: KubeObject;
}

/** What the API server does to an object on every write: the CRD's defaults. */
export type OnWrite = (object: KubeObject) => KubeObject;

export const worldOf = (placed: readonly Placed[]): World =>
  new Map(placed.map(({ ref, object }) => [refKey(ref), object]));

export const objectAt = (world: World, ref: ObjectRef): KubeObject => {
  const object = world.get(refKey(ref));
  if (object === undefined) throw new Error(`the test's world has no ${refKey(ref)}`);
  return object;
};

const matches = (object: KubeObject, selector: string): boolean =>
  selector
    .split(',')
    .filter((part) => part !== '')
    .every((part) => {
      const [key = '', value] = part.split('=');
      return object.metadata.labels?.[key] === value;
    });

/** A fresh read of what the adapter asked for. */
export const seenOf = (world: World, reads: readonly ReadRef[]): Seen => ({
  objects: new Map(reads.filter((ref) => !isListRef(ref)).map((ref) => [refKey(ref), world.get(refKey(ref)) ?? null])),
  lists: new Map(
    reads
      .filter(isListRef)
      .map((ref) => [
        refKey(ref),
        [...world.values()].filter(
          (object) =>
            object.apiVersion === ref.apiVersion &&
            object.kind === ref.kind &&
            object.metadata.namespace === ref.namespace &&
            matches(object, ref.labelSelector),
        ),
      ]),
  ),
});

/** Writes an object: a changed spec is a new generation, any change a new resourceVersion. */
export const write = (world: World, ref: ObjectRef, next: KubeObject, onWrite: OnWrite = (object) => object): World => {
  const before = objectAt(world, ref);
  const written = onWrite(next);
  const bump = canonical(before['spec']) === canonical(written['spec']) ? 0 : 1;
  const metadata = {
    ...written.metadata,
    generation: (before.metadata.generation ?? 0) + bump,
    resourceVersion: String(Number(before.metadata.resourceVersion ?? 0) + 1),
  };
  return new Map(world).set(refKey(ref), { ...written, metadata });
};

/** null: refused, as the API server refuses a patch whose `test` fails or whose path is not there. */
export const send = (world: World, request: Request, onWrite?: OnWrite): World | null => {
  if (request.verb !== 'patch' || request.contentType !== 'application/json-patch+json')
    throw new Error(`a router sends JSON Patches only, this is ${request.verb} ${request.contentType}`);
  const object = objectAt(world, request.ref);
  try {
    const operations = structuredClone(request.body);
    const { newDocument } = fastJsonPatch.applyPatch(structuredClone(object), operations as never, true);
    return write(world, request.ref, newDocument, onWrite);
  } catch {
    return null;
  }
};

/** Sends all, and fails the test where one is refused. */
export const sendAll = (world: World, requests: readonly Request[], onWrite?: OnWrite): World =>
  requests.reduce((now, request) => {
    const next = send(now, request, onWrite);
    if (next === null)
      throw new Error(`refused: ${JSON.stringify(request.body)} on ${JSON.stringify(objectAt(now, request.ref))}`);
    return next;
  }, world);

export type Operations = readonly { readonly op: string; readonly path: string; readonly value?: unknown }[];

export const operationsOf = (request: Request): Operations => structuredClone(request.body) as unknown as Operations;
