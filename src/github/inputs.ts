import { setSecret } from '@actions/core';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Inputs {
  /** What was given, trimmed, by input name; an input that is empty or absent is not in it. */
  readonly values: Readonly<Record<string, string>>;
  /** Names that this action does not have, in lower case: the runner passes them on with a mere warning. */
  readonly unknown: readonly string[];
}

const PREFIX = 'INPUT_';

/** The runner gives `fail-on-rollback` as `INPUT_FAIL-ON-ROLLBACK`: upper case, spaces become `_`, hyphens stay. */
export const readInputs = (environment: Environment, names: readonly string[]): Inputs => {
  const given = Object.entries(environment).flatMap(([key, value]): readonly (readonly [string, string])[] => {
    const upper = key.toUpperCase();
    if (!upper.startsWith(PREFIX) || value === undefined || value.trim() === '') return [];
    return [[upper.slice(PREFIX.length).toLowerCase(), value.trim()]];
  });
  const known = new Set(names);
  return {
    values: Object.fromEntries(given.filter(([name]) => known.has(name))),
    unknown: given.map(([name]) => name).filter((name) => !known.has(name)),
  };
};

/** Masking shorter texts would turn whole logs into stars. */
const SHORTEST = 4;

/** Tells the runner to hide these texts, and each of their lines (it masks line by line), in everything printed from now on. */
export const maskSecrets = (secrets: readonly string[]): void => {
  const lines = secrets.flatMap((secret) => [secret, ...secret.split(/\r?\n/)]).map((line) => line.trim());
  for (const line of new Set(lines)) {
    if (line.length >= SHORTEST) setSecret(line);
  }
};

const KUBECONFIG_SECRET =
  /^\s*(?:-\s+)?["']?(?:token|password|client-key-data|id-token|refresh-token|access-token|client-secret)["']?\s*:\s*(.+)$/gim;

const unquoted = (text: string): string => text.trim().replace(/^(["'])(.*)\1$/, '$2');

/** The parts of a kubeconfig that are secrets; the rest of it must stay readable in logs. */
const kubeconfigSecrets = (text: string): readonly string[] =>
  [...text.matchAll(KUBECONFIG_SECRET)].map(([, value = '']) => unquoted(value));

/** Values of `Name: value` lines, what follows `Bearer`, and user and password of `Basic`. */
const headerSecrets = (text: string): readonly string[] =>
  text.split(/\r?\n/).flatMap((line) => {
    const value = line.slice(line.indexOf(':') + 1).trim();
    const [scheme = '', credentials = ''] = value.split(/\s+/, 2);
    if (!/^basic$/i.test(scheme)) return credentials === '' ? [value] : [value, credentials];
    const decoded = Buffer.from(credentials, 'base64').toString('utf8');
    return [value, credentials, decoded, decoded.slice(decoded.indexOf(':') + 1)];
  });

/** Every secret that inputs hold. Passwords inside of URLs too, whatever the input. */
export const secretsIn = (values: Readonly<Record<string, string>>): readonly string[] => [
  ...(values['github-token'] === undefined ? [] : [values['github-token']]),
  ...headerSecrets(values['prometheus-headers'] ?? ''),
  ...kubeconfigSecrets(values['kubeconfig'] ?? ''),
  ...Object.values(values).flatMap((value) =>
    [...value.matchAll(/\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:([^\s/@]+)@/gi)].map(([, password = '']) => password),
  ),
];
