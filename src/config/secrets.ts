import { parseDocument } from 'yaml';

const SHORTEST = 3;
const SECRET_FIELDS = [
  'token',
  'password',
  'client-key-data',
  'access-token',
  'id-token',
  'refresh-token',
  'client-secret',
];
const DEEPEST = 20;
/** A longer line is no path but a kubeconfig in another coat, such as base64. */
const LONGEST_PATH = 400;

/**
 * Every value that must be masked before anything is printed. A text of several lines is given line by line, as the
 * runner masks. Of a kubeconfig only the credentials: masking `kind: Config` would tear holes into every report. Values
 * under three characters are left out for the same reason.
 */
export const secretsOf = (inputs: Readonly<Record<string, string>>): readonly string[] => {
  const all = [
    inputs['github-token'] ?? '',
    ...kubeconfigSecrets(inputs['kubeconfig'] ?? ''),
    ...headerSecrets(inputs['prometheus-headers'] ?? ''),
    ...urlSecrets(inputs['prometheus'] ?? ''),
  ];
  const lines = all.flatMap((secret) => secret.split(/\r?\n/)).map((line) => line.trim());
  return [...new Set(lines.filter((line) => line.length >= SHORTEST))];
};

const kubeconfigSecrets = (text: string): readonly string[] => {
  const content = text.includes('\n') || text.trimStart().startsWith('{');
  if (!content) return text.length > LONGEST_PATH ? [text] : [];
  const parsed = parsedOrNull(text);
  // What cannot be understood is masked whole.
  return parsed === null ? [text] : fieldsIn(parsed, 0);
};

const parsedOrNull = (text: string): object | null => {
  try {
    const document = parseDocument(text, { prettyErrors: false });
    const value: unknown = document.errors.length > 0 ? null : document.toJS({ maxAliasCount: 0 });
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
};

const fieldsIn = (value: object, depth: number): readonly string[] => {
  if (depth > DEEPEST) return [];
  return Object.entries(value).flatMap(([key, field]: [string, unknown]) => {
    if (typeof field === 'object' && field !== null) {
      const environment = key === 'env' && Array.isArray(field) ? field.flatMap(environmentValue) : [];
      return [...environment, ...fieldsIn(field, depth + 1)];
    }
    if (!SECRET_FIELDS.includes(key) || field === null || field === undefined) return [];
    const secret = String(field);
    return key === 'client-key-data' ? [secret, pemBody(secret)] : [secret];
  });
};

/** The environment of an exec plugin: `{name, value}`. */
const environmentValue = (entry: unknown): readonly string[] =>
  typeof entry === 'object' && entry !== null && 'value' in entry ? [String(entry.value)] : [];

/** The key as PEM, without the marks at both ends, which every key shares. */
const pemBody = (base64: string): string =>
  Buffer.from(base64, 'base64')
    .toString('latin1')
    .split('\n')
    .filter((line) => !line.startsWith('-----'))
    .join('\n');

const headerSecrets = (text: string): readonly string[] =>
  text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    const value = line.slice(colon + 1).trim();
    const [scheme = '', ...credentials] = value.split(/\s+/);
    const secret = credentials.join(' ');
    if (scheme.toLowerCase() !== 'basic') return [value, secret];
    const pair = Buffer.from(secret, 'base64').toString('utf8');
    return [value, secret, pair, pair.slice(pair.indexOf(':') + 1)];
  });

const urlSecrets = (text: string): readonly string[] => {
  const found = /^[^/]*\/\/([^/]*)@/.exec(text.trim());
  const pair = found?.[1];
  if (pair === undefined) return [];
  const plain = decodedOr(pair);
  const base64 = Buffer.from(plain, 'utf8').toString('base64');
  return [pair, plain, pair.slice(pair.indexOf(':') + 1), plain.slice(plain.indexOf(':') + 1), base64];
};

const decodedOr = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
