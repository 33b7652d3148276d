import type { Finding } from '../core/reason.ts';

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Errors that the user allows become warnings that say so. */
export const allowing = (findings: readonly Finding[], allow: readonly string[]): readonly Finding[] =>
  findings.map((finding) => {
    const entry = allow.find((one) => finding.allow !== undefined && same(one, finding.allow));
    if (finding.severity !== 'error') return finding;
    if (entry !== undefined)
      return { ...finding, severity: 'warning', message: `${finding.message} (allowed by \`allow: ${entry}\`)` };
    const way = finding.allow === undefined ? null : `\`allow: ${finding.allow}\` goes on with a warning`;
    return { ...finding, advice: [finding.advice, way].filter((part) => part !== null).join('; or ') || null };
  });

/** Entries that no finding needed: a name that is written wrong must not go unnoticed. */
export const unusedAllowances = (findings: readonly Finding[], allow: readonly string[]): readonly Finding[] =>
  allow
    .filter((entry) => !findings.some(({ allow: name }) => name !== undefined && same(entry, name)))
    .map((entry) => ({
      severity: 'warning',
      code: 'invalid-config',
      where: 'allow',
      message: `\`${entry}\` was not needed: nothing of that name was found to be in the way`,
      advice: null,
    }));
