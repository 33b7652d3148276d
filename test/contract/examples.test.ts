import { describe, expect, test } from 'vitest';
import { readSpec } from '../../src/config/read.ts';
import { renderIssue } from '../../src/config/render.ts';
import { PRESET_NAMES } from '../../src/metrics/presets/index.ts';
import { routeKinds } from '../../src/routers/index.ts';
import { type Example, examples, isOurs, mapOf, usesIn, workflows } from './examples.ts';

const catalogue = { routeKinds: routeKinds.map(({ router, kind }) => ({ ...kind, router })), presets: PRESET_NAMES };

/** What the inputs of a workflow_dispatch and the like could be. */
const GIVEN: Readonly<Record<string, string>> = {
  'inputs.weights': '5, 20, 50',
  'matrix.service': 'checkout',
  'inputs.deployment': 'checkout',
  'inputs.namespace': 'shop',
  'secrets.METRICS_CA': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
};

/** An expression by its literal default, by what is given, or by some word. */
const evaluate = (expression: string): string =>
  /\|\| '([^']*)'\s*$/.exec(expression)?.[1] ?? GIVEN[expression.trim()] ?? 'v1';

const inputsOf = (inputs: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      String(value).replaceAll(/\$\{\{(.*?)\}\}/g, (_, expression: string) => evaluate(expression)),
    ]),
  );

/** What `manifest` names. */
const MANIFEST = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: checkout }
spec:
  selector: { matchLabels: { app: checkout } }
  template:
    metadata: { labels: { app: checkout } }
    spec: { containers: [{ name: app, image: "a/b:2" }] }
`;

const mistakes = (inputs: Readonly<Record<string, string>>, file: string | null): readonly string[] => {
  const read = readSpec(
    {
      inputs,
      unknownInputs: [],
      file: file === null ? null : { path: '.github/canary.yml', text: file },
      workspaceFile: () => ({ kind: 'read', text: MANIFEST }),
    },
    catalogue,
  );
  return 'issues' in read ? read.issues.map(renderIssue) : [];
};

const isConfigFile = ({ document }: Example): boolean => 'deployment' in mapOf(document);
const configFiles = examples.filter(isConfigFile);
const whole = [...workflows, ...examples].flatMap(usesIn).filter((use) => isOurs(use.uses));
const fragments = examples.filter(({ document }) => 'with' in mapOf(document));
const metricLists = examples.filter(({ document }) => Array.isArray(document) && 'name' in mapOf(document[0]));

const BASE = { image: 'a/b:2', deployment: 'checkout', namespace: 'shop', prometheus: 'https://metrics.example.com' };

describe('what the documentation shows is accepted', () => {
  test('there is something of each form', () => {
    expect(whole.length).toBeGreaterThan(4);
    expect([configFiles, fragments, metricLists].filter((found) => found.length === 0)).toEqual([]);
  });

  test.each(whole.map((use) => [use.where, use] as const))('%s: the whole step', (_, use) => {
    const file = 'deployment' in use.with ? null : (configFiles[0]?.text ?? null);

    expect(mistakes(inputsOf(use.with), file)).toEqual([]);
  });

  test.each(fragments.map((one) => [one.where, one] as const))('%s: some inputs', (_, { document }) => {
    expect(mistakes({ ...BASE, ...inputsOf(mapOf(mapOf(document)['with'])) }, null)).toEqual([]);
  });

  test.each(metricLists.map((one) => [one.where, one] as const))('%s: a list of metrics', (_, { text }) => {
    expect(mistakes({ ...BASE, metrics: text }, null)).toEqual([]);
  });

  test('and what is wrong is not', () => {
    expect(mistakes({ ...BASE, weights: '10, 5' }, null)).toHaveLength(1);
    expect(mistakes({ image: 'a/b:2' }, `${configFiles[0]?.text}\nnamespace: shop\n`)).toHaveLength(1);
  });
});
