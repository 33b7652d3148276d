// Writes action.yml from the catalogue of inputs and outputs: `node scripts/action.ts`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { INPUTS, inputDescription } from '../src/config/inputs.ts';
import { OUTPUTS, outputDescription } from '../src/config/outputs.ts';

const inputs = Object.fromEntries(
  INPUTS.map((input) => [
    input.name,
    {
      description: inputDescription(input),
      required: false,
      ...(input.actionDefault === null ? {} : { default: input.actionDefault }),
    },
  ]),
);

const outputs = Object.fromEntries(OUTPUTS.map((output) => [output.name, { description: outputDescription(output) }]));

/** The text of action.yml. `required` is never true: the runner does not enforce it, and the config file may hold the value. */
export const actionYml = (): string =>
  `# Written by scripts/action.ts from src/config/inputs.ts and outputs.ts.\n${stringify(
    {
      name: 'Canary Rollout',
      description:
        'Release a new version on Kubernetes step by step, judged on your own metrics, promoted or rolled back by itself',
      author: 'The Canary Rollout authors',
      branding: { icon: 'trending-up', color: 'green' },
      inputs,
      outputs,
      runs: { using: 'node24', main: 'dist/index.js', post: 'dist/index.js', 'post-if': 'always()' },
    },
    { lineWidth: 0 },
  )}`;

if (import.meta.main) writeFileSync(join(import.meta.dirname, '../action.yml'), actionYml());
