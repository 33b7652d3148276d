import type { Json, KubeObject, RouteSpec, ServiceSpec, WorkloadSpec } from './objects.ts';
import { isObject, sameJson, viewSpec } from './objects.ts';
import type { Resource } from './resources.ts';
import { matchesSelector } from './selectors.ts';
import type { Cause } from './status.ts';
import { ApiError, badRequest, invalid } from './status.ts';

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const wrong = (field: string, value: unknown, message: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${message}`,
  field,
});
const required = (field: string, detail = ''): Cause => ({
  reason: 'FieldValueRequired',
  message: `Required value${detail === '' ? '' : `: ${detail}`}`,
  field,
});

const nameCauses = (resource: Resource, name: string): Cause[] => {
  if (name === '') return [required('metadata.name', 'name or generateName is required')];
  const label = resource.kind === 'Service' || resource.kind === 'Namespace';
  const pattern = label
    ? /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
    : /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
  const limit = label ? 63 : 253;
  if (name.length > limit) return [wrong('metadata.name', name, `must be no more than ${limit} bytes`)];
  return pattern.test(name) ? [] : [wrong('metadata.name', name, label ? LABEL : SUBDOMAIN)];
};

const labelCauses = (labels: Readonly<Record<string, string>> | undefined, field: string): Cause[] =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => {
    const name = key.slice(key.indexOf('/') + 1);
    if (name.length > 63) return [wrong(field, key, 'name part must be no more than 63 bytes')];
    if (value.length > 63) return [wrong(field, value, 'must be no more than 63 bytes')];
    return /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/.test(value) ? [] : [wrong(field, value, LABEL_VALUE)];
  });

const deploymentCauses = (object: KubeObject): Cause[] => {
  const { replicas, selector, template } = viewSpec<Partial<WorkloadSpec>>(object);
  const labels = template?.metadata?.labels;
  const matches = selector !== undefined && matchesSelector(selector, labels);
  return [
    ...(replicas !== undefined && replicas < 0
      ? [wrong('spec.replicas', replicas, 'must be greater than or equal to 0')]
      : []),
    ...(selector === undefined ? [required('spec.selector')] : []),
    ...(matches
      ? []
      : [wrong('spec.template.metadata.labels', labels ?? {}, '`selector` does not match template `labels`')]),
    ...labelCauses(labels, 'spec.template.labels'),
    ...(template?.spec?.containers?.length ? [] : [required('spec.template.spec.containers')]),
  ];
};

const jobCauses = (object: KubeObject): Cause[] => {
  const { template } = viewSpec<Partial<WorkloadSpec>>(object);
  const pods: Json | undefined = template?.spec as unknown as Json | undefined;
  const policy = isObject(pods) ? pods['restartPolicy'] : undefined;
  return [
    ...(template?.spec?.containers?.length ? [] : [required('spec.template.spec.containers')]),
    ...(policy === 'OnFailure' || policy === 'Never'
      ? []
      : [required('spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"')]),
  ];
};

const serviceCauses = (object: KubeObject): Cause[] => {
  const ports = viewSpec<ServiceSpec>(object).ports ?? [];
  return ports.length < 2
    ? []
    : ports.flatMap(({ name }, index) => (name === undefined ? [required(`spec.ports[${index}].name`)] : []));
};

const routeCauses = (object: KubeObject): Cause[] =>
  (viewSpec<RouteSpec>(object).rules ?? []).flatMap((rule, ruleIndex) =>
    (rule.backendRefs ?? []).flatMap(({ weight }, index) => {
      const field = `spec.rules[${ruleIndex}].backendRefs[${index}].weight`;
      if (typeof weight !== 'number') {
        const type = weight === null ? 'null' : typeof weight;
        return [
          {
            reason: 'FieldValueTypeInvalid',
            message: `Invalid value: "${type}": ${field} in body must be of type integer: "${type}"`,
            field,
          },
        ];
      }
      if (weight > 1_000_000) return [wrong(field, weight, `${field} in body should be less than or equal to 1000000`)];
      return weight < 0 ? [wrong(field, weight, `${field} in body should be greater than or equal to 0`)] : [];
    }),
  );

const leaseCauses = (object: KubeObject): Cause[] => {
  const { leaseDurationSeconds: seconds } = viewSpec<{ leaseDurationSeconds?: number }>(object);
  return seconds !== undefined && seconds <= 0
    ? [wrong('spec.leaseDurationSeconds', seconds, 'must be greater than 0')]
    : [];
};

const BY_KIND: Readonly<Record<string, (object: KubeObject) => Cause[]>> = {
  Deployment: deploymentCauses,
  Job: jobCauses,
  Service: serviceCauses,
  HTTPRoute: routeCauses,
  GRPCRoute: routeCauses,
  Lease: leaseCauses,
};

/** Throws 422 with all causes. `before` is null for a creation. */
export const validate = (resource: Resource, object: KubeObject, before: KubeObject | null): void => {
  const { name, labels, uid } = object.metadata;
  const causes = [...nameCauses(resource, name ?? ''), ...labelCauses(labels, 'metadata.labels')];
  if (before !== null && uid !== undefined && uid !== before.metadata.uid)
    causes.push(wrong('metadata.uid', uid, 'field is immutable'));
  if (causes.length === 0 || !resource.custom) causes.push(...(BY_KIND[resource.kind]?.(object) ?? []));
  if (before !== null && resource.kind === 'Deployment') {
    const selector = viewSpec<WorkloadSpec>(object).selector;
    if (!sameJson(selector, viewSpec<WorkloadSpec>(before).selector))
      causes.push(wrong('spec.selector', selector, 'field is immutable'));
  }
  if (before !== null && resource.kind === 'Job') {
    const { template } = viewSpec<Partial<WorkloadSpec>>(object);
    if (!sameJson(template, viewSpec<Partial<WorkloadSpec>>(before).template))
      causes.push(wrong('spec.template', template, 'field is immutable'));
  }
  if (causes.length > 0) throw invalid(resource, name ?? '', causes);
};

const unknownFields = (resource: Resource, object: KubeObject): string[] => {
  const top = Object.keys(object).filter((field) => !resource.topFields.includes(field));
  const { spec } = object;
  const known = resource.specFields;
  const inSpec = known === null || !isObject(spec) ? [] : Object.keys(spec).filter((field) => !known.includes(field));
  const rules = resource.plural.endsWith('routes') ? (viewSpec<RouteSpec>(object).rules ?? []) : [];
  const backendFields = ['group', 'kind', 'name', 'namespace', 'port', 'weight', 'filters'];
  const inBackends = rules.flatMap((rule, ruleIndex) =>
    (rule.backendRefs ?? []).flatMap((backend, index) =>
      Object.keys(backend)
        .filter((field) => !backendFields.includes(field))
        .map((field) => `spec.rules[${ruleIndex}].backendRefs[${index}].${field}`),
    ),
  );
  return [...top, ...inSpec.map((field) => `spec.${field}`), ...inBackends];
};

/** Strict field validation, of the fields that a writer is likely to get wrong. A patch and a creation are refused differently. */
export const validateFields = (resource: Resource, object: KubeObject, verb: 'create' | 'update' | 'patch'): void => {
  const unknown = unknownFields(resource, object).map((field) => `unknown field ${JSON.stringify(field)}`);
  if (unknown.length === 0) return;
  const message = `strict decoding error: ${unknown.join(', ')}`;
  const { kind } = resource;
  if (verb !== 'patch')
    throw badRequest(
      `${kind} in version "${object.apiVersion.split('/').at(-1)}" cannot be handled as a ${kind}: ${message}`,
    );
  const cause = {
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(JSON.stringify(object))}: ${message}`,
    field: 'patch',
  };
  throw new ApiError({
    code: 422,
    reason: 'Invalid',
    message: ` "" is invalid: patch: ${cause.message}`,
    details: { causes: [cause] },
  });
};

/** Fields that the API server prunes because it does not know them. */
export const pruned = (resource: Resource, object: KubeObject): KubeObject => {
  const kept = Object.fromEntries(Object.entries(object).filter(([field]) => resource.topFields.includes(field)));
  const { spec } = object;
  const known = resource.specFields;
  const fields: Json | undefined =
    known === null || !isObject(spec)
      ? spec
      : Object.fromEntries(Object.entries(spec).filter(([field]) => known.includes(field)));
  return { ...kept, ...(fields !== undefined && { spec: fields }) } as KubeObject;
};
