import { parse } from 'yaml';
import { files, textOf } from './sources.ts';

export type Map = Readonly<Record<string, unknown>>;

export interface Example {
  readonly where: string;
  readonly text: string;
  readonly document: unknown;
}

export interface Use {
  readonly where: string;
  readonly uses: string;
  readonly with: Map;
  /** The concurrency groups that the step runs in: the workflow's and the job's. */
  readonly groups: readonly string[];
}

export const isMap = (value: unknown): value is Map =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const mapOf = (value: unknown): Map => (isMap(value) ? value : {});
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const groupsOf = (scope: Map): readonly string[] => {
  const concurrency = scope['concurrency'];
  const group = isMap(concurrency) ? concurrency['group'] : concurrency;
  return typeof group === 'string' ? [group] : [];
};

const stepsIn = (where: string, steps: unknown, groups: readonly string[]): readonly Use[] =>
  listOf(steps)
    .map(mapOf)
    .filter((step) => typeof step['uses'] === 'string')
    .map((step) => ({ where, uses: String(step['uses']), with: mapOf(step['with']), groups }));

/** Every `uses:` of a workflow, a job, a list of steps or a single step: examples show any of them. */
export const usesIn = ({ where, document }: Pick<Example, 'where' | 'document'>): readonly Use[] => {
  if (Array.isArray(document)) return stepsIn(where, document, []);
  const top = mapOf(document);
  const groups = groupsOf(top);
  const jobs = Object.values(mapOf(top['jobs'])).map(mapOf);
  return [
    ...stepsIn(where, top['steps'], groups),
    ...jobs.flatMap((job) => stepsIn(where, job['steps'], [...groups, ...groupsOf(job)])),
    ...jobs.flatMap((job) => stepsIn(where, [job], [...groups, ...groupsOf(job)])),
  ];
};

export const isOurs = (uses: string): boolean => uses === './' || /^[\w.-]+\/canary-rollout@/.test(uses);
const exampleOf = (where: string, text: string): Example => ({ where, text, document: parse(text) });

const blocksOf = (file: string): readonly Example[] =>
  [...textOf(file).matchAll(/^( *)```ya?ml\n([\s\S]*?)^\1```$/gm)].map(([, indent = '', text = ''], index) =>
    exampleOf(`${file}, block ${index + 1}`, text.replaceAll(new RegExp(`^${indent}`, 'gm'), '')),
  );

export const workflowFiles = files('.github/workflows/*.yml', '.github/workflows/*.yaml');
export const workflows: readonly Example[] = workflowFiles.map((file) => exampleOf(file, textOf(file)));
export const examples = files('README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/**/*.md').flatMap(blocksOf);
