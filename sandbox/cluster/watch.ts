import type { ServerResponse } from 'node:http';
import { present, selectionOf } from './handlers.ts';
import type { JsonObject, KubeObject } from './objects.ts';
import type { Target } from './requests.ts';
import type { Resource } from './resources.ts';
import { ApiError, expired, statusBody } from './status.ts';
import type { Store, StoreEvent } from './store.ts';
import { list } from './store.ts';

type Kind = 'ADDED' | 'MODIFIED' | 'DELETED';

/** An object that starts or stops matching the selector appears and disappears for this watcher. */
const kindFor = (event: StoreEvent, selects: (object: KubeObject) => boolean): Kind | null => {
  const is = event.type !== 'DELETED' && selects(event.object);
  const was = event.before !== null && selects(event.before);
  if (is) return was ? 'MODIFIED' : 'ADDED';
  return was ? 'DELETED' : null;
};

const startOf = (target: Target): number | null => {
  const text = target.query.get('resourceVersion') ?? '';
  if (text === '' || text === '0') return null;
  if (/^\d+$/.test(text)) return Number(text);
  throw new ApiError({
    code: 500,
    reason: '',
    message: `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
  });
};

/** Streams one JSON event a line until the client leaves, `timeoutSeconds` pass or the server closes `open`. */
export const serveWatch = (
  store: Store,
  resource: Resource,
  target: Target,
  response: ServerResponse,
  open: Set<ServerResponse>,
): ServerResponse => {
  const selects = selectionOf(target);
  const from = startOf(target);
  const isOurs = ({ metadata }: KubeObject): boolean =>
    target.namespace === '' || metadata.namespace === target.namespace;
  const line = (type: string, object: JsonObject): boolean => response.write(`${JSON.stringify({ type, object })}\n`);
  const tell = (event: StoreEvent): void => {
    if (event.resource !== resource || !isOurs(event.object)) return;
    const kind = kindFor(event, selects);
    if (kind !== null) line(kind, present(event.object, target.apiVersion));
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  if (from !== null && from < store.counter.forgotten) {
    line('ERROR', statusBody(expired(String(from), store.counter.forgotten)));
    return response.end();
  }
  if (from === null) {
    for (const object of list(store, resource, target.namespace))
      if (selects(object)) line('ADDED', present(object, target.apiVersion));
  } else {
    store.history.filter(({ revision }) => revision > from).forEach(tell);
  }
  store.listeners.add(tell);
  open.add(response);
  const seconds = Number(target.query.get('timeoutSeconds') ?? '0');
  const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined;
  response.on('close', () => {
    clearTimeout(timer);
    store.listeners.delete(tell);
    open.delete(response);
  });
  return response;
};
