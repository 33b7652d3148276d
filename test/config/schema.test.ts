import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readSpec } from '../../src/config/read.ts';
import { configJsonSchema, FILE_KEY_NAMES } from '../../src/config/shape.ts';
import { CATALOGUE, GOOD_FILE, GOOD_INPUTS } from './fixtures.ts';

const schema = configJsonSchema();
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);

const accepted = (text: string): readonly [bySchema: boolean, byReading: boolean] => {
  const read = readSpec({ inputs: GOOD_INPUTS, unknownInputs: [], file: { path: 'canary.yml', text } }, CATALOGUE);
  return [validate(parse(text)), 'spec' in read];
};

const MEASURED = '  - name: a\n    query: up{pod=~"{{pods}}"}\n';
const COUNTED = '  - name: a\n    requests: a{pod=~"{{pods}}"}\n    failures: b{pod=~"{{pods}}"}\n';
const LATENCY = '  - name: a\n    histogram: a_bucket{pod=~"{{pods}}"}\n';

describe('the JSON Schema of the config file', () => {
  test('is the published one', () => {
    expect(JSON.parse(readFileSync('schema/canary.schema.json', 'utf8'))).toEqual(schema);
  });

  test('describes every key that the file may have', () => {
    const properties: unknown = schema['properties'];

    expect(Object.keys(properties ?? {})).toEqual(FILE_KEY_NAMES);
    for (const property of Object.values(properties ?? {})) expect(property).toHaveProperty('description');
  });

  test('accepts what is accepted', () => {
    const files = [
      GOOD_FILE,
      'weights: 5, 10\ninterval: 1h30m\n',
      'weights: [5, 10.5]\nimage: [app=a:1]\nfail-on-rollback: false\ncomment: true\n',
      'until: 20\nhold: 24h\nlock-wait: 0s\non-cancel: keep\non-expired: rollback\n',
      'until: promotion\napprovers: [octocat, "@hubot"]\nself-approval: false\napproval-timeout: 90m\n',
      'steps:\n  - { weight: 5, approval: true }\n  - { weight: 10, approval: false }\napprovers: octocat, hubot\n',
      'weights: 5\ncomment: auto\nfail-on-rollback: "true"\nroute: replicas\n',
      'odds: strict\nrequire-evidence: 3x\nignore-first: 30s\nmin-requests: 50\nmode: dry-run\nmetrics:\n  - preset: auto\n',
      'require-evidence: 1.5\nmin-requests: "50"\nscrape: :9102/metrics\nmetrics:\n  - preset: http\n    name: app\n',
      `metrics:\n${COUNTED}    ceiling: 2%\n    floor: 0.001\n    replica-labels: []\n`,
      `metrics:\n${COUNTED}    slo: 99.9%\n    burn-rate: 6\n    replica-labels: a, b\n`,
      `metrics:\n${LATENCY}    bound: 0.5\n    unit: s\n    slo: 99%\n`,
      `metrics:\n${MEASURED}    max: 1\n    failed-checks: 3\n`,
    ];

    for (const file of files) expect([file, ...accepted(file)]).toEqual([file, true, true]);
  });

  test('refuses shapes that are refused', () => {
    const files = [
      'wieghts: 5\n',
      'namespace: shop\n',
      'interval: 60\n',
      'interval: 60ms\n',
      'weights: []\n',
      'metrics: []\n',
      `metrics:\n${MEASURED}    max: high\n`,
      `metrics:\n${MEASURED}    max: 1\n    max-incerase: 20%\n`,
      `metrics:\n${MEASURED}    max-increase: 20\n`,
      'metrics:\n  - name: a\n',
      'steps:\n  - interval: 60s\n',
      'comment: perhaps\n',
      'until: [20]\n',
      'hold: 60\n',
      'on-cancel: continue\n',
      'on-expired: keep\n',
      'approvers: []\n',
      'self-approval: perhaps\n',
      'steps:\n  - { weight: 5, approval: required }\n',
      'watchdog-image: a@sha256:b\n',
      'odds: sure\n',
      'mode: dryrun\n',
      'min-requests: 0\n',
      'ignore-first: 30\n',
      'scrape: 9102\n',
      'require-evidence: much\n',
      'metrics:\n  - name: a\n    requests: a{pod=~"{{pods}}"}\n',
      'metrics:\n  - preset: http\n    query: up{pod=~"{{pods}}"}\n    max: 1\n    name: a\n',
      'metrics:\n  - histogram: a_bucket{pod=~"{{pods}}"}\n',
      `metrics:\n${LATENCY}    bound: 500ms\n`,
      `metrics:\n${COUNTED}    ceiling: 2\n`,
      `metrics:\n${COUNTED}    floor: low\n`,
      `metrics:\n${COUNTED}    slo: 99.9\n`,
      `metrics:\n${COUNTED}    burn-rate: 6\n`,
      `metrics:\n${MEASURED}    max: 1\n    failed-checks: 0\n`,
    ];

    for (const file of files) expect([file, ...accepted(file)]).toEqual([file, false, false]);
  });
});
