import type { IncomingMessage } from 'node:http';
import type { KubeObject, ListRef } from '../core/objects.ts';
import type { WatchEvent } from '../ports/cluster.ts';
import { parseJson } from './answers.ts';
import { listPath } from './paths.ts';
import type { ClusterOptions, Session } from './sender.ts';
import { get, open } from './transport.ts';

/** The server ends a watch after this long; a load balancer that cuts idle connections does it earlier. */
const WATCH_SECONDS = 240;

/**
 * Begins with an ADDED of every object there is. Ends when the signal fires, the server ends it or refuses it, or the
 * connection breaks: the caller lists again, and must not do so without a pause.
 */
export async function* watchObjects(
  session: Session,
  options: ClusterOptions,
  ref: ListRef,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const path = listPath(ref, { watch: '1', timeoutSeconds: WATCH_SECONDS });
  options.onRequest?.('api');
  const deadline = AbortSignal.any([signal, AbortSignal.timeout((WATCH_SECONDS + 30) * 1000)]);
  try {
    const response = await open(session.loaded, get(path), options.userAgent, deadline);
    if (response.statusCode !== 200) {
      response.destroy();
      return;
    }
    for await (const line of linesOf(response)) {
      const event = eventIn(line, ref);
      if (event === null) return;
      yield event;
    }
  } catch {
    // A connection that could not be opened, or that broke, is the end of the watch like any other.
  }
}

/** Leaving the loop early closes the connection. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines.filter((line) => line !== '');
  }
}

const TYPES: ReadonlySet<unknown> = new Set(['ADDED', 'MODIFIED', 'DELETED']);

/** null: an ERROR event (the history is gone) or something that is no event, after which nothing useful follows. */
const eventIn = (line: string, ref: ListRef): WatchEvent | null => {
  const event = parseJson(line);
  return isEvent(event)
    ? { type: event.type, object: { ...event.object, apiVersion: ref.apiVersion, kind: ref.kind } }
    : null;
};

const isEvent = (value: unknown): value is { type: WatchEvent['type']; object: KubeObject } =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  TYPES.has(value.type) &&
  'object' in value &&
  typeof value.object === 'object' &&
  value.object !== null &&
  'metadata' in value.object;
