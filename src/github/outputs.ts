import { setOutput } from '@actions/core';
import type { Outputs } from '../report/result.ts';

/** To GITHUB_OUTPUT, in the order of the README's table. */
export const writeOutputs = (outputs: Outputs): void => {
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
};
