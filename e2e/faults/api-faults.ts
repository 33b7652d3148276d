import type { Fault, Rule } from '../harness/fault-proxy.ts';

/** What can be wrong with a server: it is away, or its proxy follows a rule. Made anew for each case: some remember. */
export interface NamedFault {
  readonly name: string;
  /** How long it lasts in the fault table; null: to the end. */
  readonly ms: number | null;
  /** null: nobody listens. */
  make(since: () => number): Omit<Rule, 'name' | 'when'> | null;
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

/** As the API server writes its refusals. */
const status = (code: number, retryAfterSeconds?: number): Fault => ({
  kind: 'status',
  code,
  body: JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${code} by order of the fault proxy`,
    reason: REASONS[code],
    // With causes it is an invalid object; without, a failed test of a JSON Patch.
    details: code === 422 ? { causes: [{ reason: 'FieldValueInvalid', message: 'refused', field: 'spec' }] } : {},
    code,
  }),
  ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
});

const WRITES = ['POST', 'PATCH', 'PUT', 'DELETE'];
/** The state is saved before anything else is written: what refuses its writes too is met by nothing else. */
const OBJECTS = /^(?!.*\/(configmaps|leases))/;
const STATE = /\/configmaps/;

type Shape = Omit<Rule, 'name' | 'when'>;

const always = (name: string, ms: number, rule: Shape | null): NamedFault => ({ name, ms, make: () => rule });

/** Every kind of trouble with the API server of issue 4, number 3. */
export const API_FAULTS: readonly NamedFault[] = [
  always('refused', 5000, null),
  always('reset', 4000, { fault: { kind: 'reset' } }),
  always('answer lost', 4000, { methods: WRITES, path: OBJECTS, fault: { kind: 'lose-answer' } }),
  always('slow', 6000, { fault: { kind: 'delay', ms: 1500 } }),
  // As long as the first requests take to find it; they hang for half a minute.
  always('stall 30 s', 3000, { fault: { kind: 'stall', ms: 30_000 } }),
  always('401', 4000, { fault: status(401) }),
  always('409', 4000, { methods: WRITES, path: OBJECTS, fault: status(409) }),
  always('422', 4000, { methods: WRITES, path: OBJECTS, fault: status(422) }),
  always('429', 5000, { fault: status(429, 2) }),
  always('503', 4000, { fault: status(503) }),
  always('state not saved', 4000, { methods: WRITES, path: STATE, fault: status(503) }),
  always('truncated', 4000, { fault: { kind: 'truncate' } }),
  always('watch expired', 4000, { path: /[?&]watch=(true|1)/, fault: status(410) }),
];
