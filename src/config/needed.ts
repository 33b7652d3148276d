import type { Issue } from '../core/outcome.ts';
import { INPUTS, inputNamed } from './inputs.ts';
import { nearest } from './words.ts';

/** What says which rollout is meant, and in which cluster. */
const TARGET = ['command', 'deployment', 'namespace', 'kubeconfig', 'context'];
const NAMES = INPUTS.map(({ name }) => name);

export interface Texts {
  /** Names of the inputs that were given. */
  readonly inputs: readonly string[];
  /** Path of the config file; null when there is none. */
  readonly file: string | null;
}

/**
 * Whether a mistake could let an urgent command work on another rollout than the one that is meant. A misspelt name
 * counts as the name that was probably meant, and what an input overrides in the file does not count.
 */
export const concernsTarget = (issue: Issue, texts: Texts, reach: 'one' | 'all' | 'everywhere'): boolean => {
  const isGiven = (name: string): boolean => texts.inputs.includes(name);
  const isInFile = issue.file === texts.file || issue.file === 'config';
  if (!isInFile && inputNamed(issue.file) !== null) return TARGET.includes(issue.file);
  const meant = isInFile ? keyOf(issue.path) : nearest(issue.file, NAMES);
  // A file that was not read may have named the Deployment; to see more than one is no harm.
  const isFile = isInFile ? issue.path === '' : meant === 'config';
  if (isFile) return reach === 'one' && !isGiven('deployment');
  if (meant === null || !TARGET.includes(meant) || isGiven(meant)) return false;
  return !(isInFile && reach === 'everywhere' && meant === 'deployment');
};

/** `metrics[1].max` is about `metrics`; a key that does not exist, about the one that was meant. */
const keyOf = (path: string): string | null => {
  const top = path.split(/[.[]/)[0] ?? '';
  return inputNamed(top) === null ? nearest(path, NAMES) : top;
};
