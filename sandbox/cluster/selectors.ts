import type { LabelSelector, Metadata } from './objects.ts';
import { badRequest } from './status.ts';

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

const setRequirement = (key: string, operator: string, values: readonly string[]): Requirement => {
  switch (operator.toLowerCase()) {
    case 'in':
      return (labels) => labels[key] !== undefined && values.includes(labels[key]);
    case 'notin':
      return (labels) => labels[key] === undefined || !values.includes(labels[key]);
    case 'exists':
      return (labels) => labels[key] !== undefined;
    default:
      return (labels) => labels[key] === undefined;
  }
};

const KEY = '[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?';
const VALUE = '[A-Za-z0-9]?[-A-Za-z0-9_.]*';

const requirement = (text: string): Requirement => {
  const set = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`).exec(text);
  if (set) {
    const values = (set[3] ?? '').split(',').map((value) => value.trim());
    return setRequirement(set[1] ?? '', set[2] ?? '', values);
  }
  const equality = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*(${VALUE})$`).exec(text);
  if (equality) return setRequirement(equality[1] ?? '', equality[2] === '!=' ? 'notin' : 'in', [equality[3] ?? '']);
  const absent = new RegExp(`^!\\s*(${KEY})$`).exec(text);
  if (absent) return setRequirement(absent[1] ?? '', 'doesnotexist', []);
  if (new RegExp(`^${KEY}$`).test(text)) return setRequirement(text, 'exists', []);
  throw badRequest(`unable to parse requirement: ${JSON.stringify(text)}`);
};

/** `a=b,c in (d, e),!f`: equality and set based, as in a `labelSelector` parameter. */
export const parseLabelSelector = (text: string): Requirement => {
  const parts = text.trim() === '' ? [] : text.split(/,(?![^()]*\))/).map((part) => part.trim());
  const requirements = parts.map(requirement);
  return (labels) => requirements.every((holds) => holds(labels));
};

/** A LabelSelector object; an empty one matches everything. */
export const matchesSelector = (selector: LabelSelector, labels: Labels = {}): boolean =>
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
  (selector.matchExpressions ?? []).every(({ key, operator, values }) =>
    setRequirement(key, operator, values ?? [])(labels),
  );

/** A Service's selector; without one it selects nothing. */
export const serviceSelects = (selector: Labels | undefined, labels: Labels = {}): boolean =>
  selector !== undefined &&
  Object.keys(selector).length > 0 &&
  Object.entries(selector).every(([key, value]) => labels[key] === value);

export const parseFieldSelector = (text: string): ((metadata: Metadata) => boolean) => {
  const parts = text.split(',').filter((part) => part !== '');
  const checks = parts.map((part) => {
    const [, field, operator, value] = /^([^=!]+)(==|=|!=)(.*)$/.exec(part) ?? [];
    if (field !== 'metadata.name' && field !== 'metadata.namespace')
      throw badRequest(
        `${JSON.stringify(field ?? part)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
      );
    const key = field === 'metadata.name' ? 'name' : 'namespace';
    return (metadata: Metadata): boolean => (metadata[key] === value) === (operator !== '!=');
  });
  return (metadata) => checks.every((holds) => holds(metadata));
};
