import { describe, expect, test } from 'vitest';
import { REASONS } from '../../src/core/reason.ts';
import { HAZARDS } from '../../src/hazards/index.ts';
import { files, textOf } from './sources.ts';

const suite = files('e2e/suites/clusters/*.ts').map(textOf).join('\n');
const names = HAZARDS.map(({ name }) => name);

describe('the list of hazards', () => {
  test('has names of one form, each once', () => {
    expect(names.filter((name) => !/^[a-z]+(-[a-z]+)*$/.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  test('has a case on the real API server for each', () => {
    expect(names.filter((name) => !suite.includes(`'${name}'`))).toEqual([]);
  });

  test('tells of each what it is, what is done, and a reason code that exists', () => {
    const rows = HAZARDS.flatMap(({ name, rows: own }) => own.map((row) => ({ name, ...row })));

    expect(HAZARDS.filter(({ rows: own }) => own.length === 0).map(({ name }) => name)).toEqual([]);
    expect(rows.filter(({ hazard, handling }) => hazard === '' || handling === '')).toEqual([]);
    expect(rows.filter(({ code }) => code !== null && !(code in REASONS))).toEqual([]);
  });

  test('asks for no right that is not optional: what cannot be read is told, and refuses nothing', () => {
    const needed = HAZARDS.flatMap(({ permissions }) => permissions).filter(({ verbs }) => verbs.length > 0);

    expect(needed).toEqual([]);
  });
});
