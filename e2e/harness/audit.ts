import fs from 'node:fs';

export interface AuditEvent {
  readonly auditID: string;
  readonly user: string;
  readonly userAgent: string;
  readonly verb: string;
  readonly uri: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** Epoch ms of its arrival. */
  readonly at: number;
  readonly status: number;
}

interface RawEvent {
  readonly auditID: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
  readonly requestReceivedTimestamp: string;
}

const eventOf = (raw: RawEvent): AuditEvent => ({
  auditID: raw.auditID,
  user: raw.user.username,
  userAgent: raw.userAgent ?? '',
  verb: raw.verb,
  uri: raw.requestURI,
  resource: raw.objectRef?.resource ?? '',
  subresource: raw.objectRef?.subresource ?? '',
  name: raw.objectRef?.name ?? '',
  at: Date.parse(raw.requestReceivedTimestamp),
  status: raw.responseStatus?.code ?? 0,
});

/** What one user asked of the API server, each request once, in order of arrival. A watch is one request. */
export const auditOf = (auditLog: string, user: string): readonly AuditEvent[] => {
  const events = new Map<string, AuditEvent>();
  for (const line of fs.readFileSync(auditLog, 'utf8').split('\n')) {
    if (!line.includes(`"username":"${user}"`) || !line.endsWith('}')) continue;
    const event = eventOf(JSON.parse(line) as RawEvent);
    events.set(event.auditID, event);
  }
  return [...events.values()].sort((a, b) => a.at - b.at);
};

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** Requests that could have changed something: not dry runs, and not questions about one's own rights. */
export const writesOf = (events: readonly AuditEvent[]): readonly AuditEvent[] =>
  events.filter(
    ({ verb, uri, resource }) => WRITES.has(verb) && !uri.includes('dryRun=All') && !resource.startsWith('selfsubject'),
  );
