import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { actionYml } from '../../scripts/action.ts';
import { INPUTS, inputDescription } from '../../src/config/inputs.ts';
import { OUTPUTS, outputDescription } from '../../src/config/outputs.ts';

const text = readFileSync('action.yml', 'utf8');

// https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
const ICONS = ['trending-up'];
const COLORS = ['white', 'black', 'yellow', 'blue', 'green', 'orange', 'red', 'purple', 'gray-dark'];
const NAME = /^[a-z]+(-[a-z]+)*$/;

const ACTION = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1).max(125),
  author: z.string().min(1),
  branding: z.strictObject({ icon: z.enum(ICONS), color: z.enum(COLORS) }),
  inputs: z.record(
    z.string().regex(NAME),
    z.strictObject({ description: z.string().min(1), required: z.literal(false), default: z.string().optional() }),
  ),
  outputs: z.record(z.string().regex(NAME), z.strictObject({ description: z.string().min(1) })),
  runs: z.strictObject({
    using: z.literal('node24'),
    main: z.literal('dist/index.js'),
    post: z.literal('dist/index.js'),
    'post-if': z.literal('always()'),
  }),
});

const action = ACTION.parse(parse(text));

describe('action.yml', () => {
  test('is what scripts/action.ts writes', () => {
    expect(text).toBe(actionYml());
  });

  test('has the inputs of the catalogue, in its order, with its descriptions', () => {
    const descriptions = Object.entries(action.inputs).map(([name, { description }]) => [name, description]);

    expect(descriptions).toEqual(INPUTS.map((input) => [input.name, inputDescription(input)]));
  });

  test('has the outputs of the catalogue, in its order, with their descriptions', () => {
    const descriptions = Object.entries(action.outputs).map(([name, { description }]) => [name, description]);

    expect(descriptions).toEqual(OUTPUTS.map((output) => [output.name, outputDescription(output)]));
  });

  test('fills in a default only where the config file has no say', () => {
    const filled = Object.entries(action.inputs).flatMap(([name, { default: value }]) =>
      value === undefined ? [] : [[name, value]],
    );

    expect(filled).toEqual([
      ['command', 'run'],
      ['github-token', `\${{ github.token }}`],
    ]);
    for (const input of INPUTS) if (input.actionDefault !== null) expect(input.inConfigFile).toBe(false);
  });
});

describe('the catalogue of inputs', () => {
  test('keeps credentials, the target of the run and the watchdog out of the config file', () => {
    const kept = INPUTS.filter((input) => !input.inConfigFile).map((input) => input.name);

    expect(kept).toEqual([
      'command',
      'config',
      'namespace',
      'prometheus-headers',
      'kubeconfig',
      'context',
      'github-token',
      'watchdog-image',
      'watchdog-service-account',
      'watchdog-after',
    ]);
    for (const input of INPUTS) if (input.secret) expect(kept).toContain(input.name);
  });

  test('names every input once', () => {
    const names = INPUTS.map((input) => input.name);

    expect(new Set(names).size).toBe(names.length);
  });
});
