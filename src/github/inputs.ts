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

/** Tells the runner to hide these texts from everything that is printed from now on. It masks line by line. */
export const maskSecrets = (secrets: readonly string[]): void => {
  const lines = secrets.flatMap((secret) => secret.split(/\r?\n/)).map((line) => line.trim());
  for (const line of new Set(lines)) {
    if (line !== '') setSecret(line);
  }
};
