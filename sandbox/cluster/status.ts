import type { JsonObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { qualified, qualifiedKind } from './resources.ts';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** A refusal, in the words of the real API server: `test/conformance/api-server.ts` compares the two. */
export interface Failure {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: JsonObject;
}

export class ApiError extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

const detailsOf = ({ group, plural }: Resource, name: string): JsonObject => ({
  ...(name !== '' && { name }),
  ...(group !== '' && { group }),
  kind: plural,
});

export const notFound = (resource: Resource, name: string): ApiError =>
  new ApiError({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(resource)} "${name}" not found`,
    details: detailsOf(resource, name),
  });

export const alreadyExists = (resource: Resource, name: string): ApiError =>
  new ApiError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${qualified(resource)} "${name}" already exists`,
    details: detailsOf(resource, name),
  });

export const modified = (resource: Resource, name: string): ApiError =>
  new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualified(resource)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    details: detailsOf(resource, name),
  });

/** A delete whose precondition does not hold names the kind where other conflicts name the resource. */
export const preconditionFailed = (resource: Resource, name: string, what: string, hint: string): ApiError =>
  new ApiError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualifiedKind(resource)} "${name}": ${what}. ${hint}`,
    details: { name, ...(resource.group !== '' && { group: resource.group }), kind: resource.kind },
  });

export const invalid = (resource: Resource, name: string, causes: readonly Cause[]): ApiError => {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  return new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `${qualifiedKind(resource)} "${name}" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    details: {
      ...(name !== '' && { name }),
      ...(resource.group !== '' && { group: resource.group }),
      kind: resource.kind,
      causes: causes.map((cause) => ({ ...cause })),
    },
  });
};

/** What a JSON Patch that does not apply is answered with, a failed `test` among them. */
export const patchRejected = (): ApiError =>
  new ApiError({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: {},
  });

export const badRequest = (message: string): ApiError => new ApiError({ code: 400, reason: 'BadRequest', message });

export const unauthorized = (): ApiError =>
  new ApiError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });

export const noSuchResource = (): ApiError =>
  new ApiError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });

export const expired = (from: string, oldest: number): Failure => ({
  code: 410,
  reason: 'Expired',
  message: `too old resource version: ${from} (${oldest})`,
});

export const forbidden = (
  user: string,
  verb: string,
  resource: { readonly group: string; readonly plural: string; readonly subresource: string },
  name: string,
  namespace: string,
): ApiError => {
  const { group, plural, subresource } = resource;
  const full = subresource === '' ? plural : `${plural}/${subresource}`;
  const subject = group === '' ? plural : `${plural}.${group}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return new ApiError({
    code: 403,
    reason: 'Forbidden',
    message: `${subject}${name === '' ? '' : ` "${name}"`} is forbidden: User "${user}" cannot ${verb} resource "${full}" in API group "${group}" ${where}`,
    details: { ...(name !== '' && { name }), ...(group !== '' && { group }), kind: plural },
  });
};

export const statusBody = ({ code, reason, message, details }: Failure): JsonObject => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  ...(details !== undefined && { details }),
  code,
});
