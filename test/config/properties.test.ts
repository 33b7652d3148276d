import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMMANDS, isControl } from '../../src/config/commands.ts';
import { formatDuration, parseDuration } from '../../src/config/durations.ts';
import { INPUTS } from '../../src/config/inputs.ts';
import { type ConfigText, readSpec } from '../../src/config/read.ts';
import { renderIssue } from '../../src/config/render.ts';
import { secretsOf } from '../../src/config/secrets.ts';
import { formatPercent } from '../../src/config/weights.ts';
import { CATALOGUE, GOOD_FILE, GOOD_INPUTS } from './fixtures.ts';

const SEEDED = { seed: 20_261_121, numRuns: 1_500 };
/** For what reads a whole text several times. */
const SOME = { ...SEEDED, numRuns: 500 };

const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom(...'{}[]():"\'`|>&*!%#-,=~@/\\ \n\tabm059.'.split('')), maxLength: 80 }),
);

/** The good file with a piece of it replaced: far more of what is wrong in it is nearly right. */
const damaged = fc
  .tuple(fc.nat(GOOD_FILE.length), fc.nat(12), noise)
  .map(([at, length, piece]) => GOOD_FILE.slice(0, at) + piece + GOOD_FILE.slice(at + length));

const anyInputs = fc.dictionary(fc.constantFrom(...INPUTS.map((input) => input.name), 'x'), noise, { maxKeys: 6 });

const anyCommand = fc.constantFrom(...COMMANDS);

const anyText: fc.Arbitrary<ConfigText> = fc.record({
  inputs: fc.oneof(
    anyInputs,
    anyInputs.map((some) => ({ ...GOOD_INPUTS, ...some })),
    fc.tuple(anyInputs, anyCommand).map(([some, command]) => ({ ...GOOD_INPUTS, ...some, command })),
  ),
  unknownInputs: fc.array(noise, { maxLength: 2 }),
  file: fc.option(fc.record({ path: fc.constant('canary.yml'), text: fc.oneof(noise, damaged) })),
});

describe('any text', () => {
  test('is either what is asked for or issues that stand inside the text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const read = readSpec(text, CATALOGUE);

        if (!('issues' in read)) return;
        expect(read.issues.length).toBeGreaterThan(0);
        const lines = (text.file?.text ?? '').split('\n');
        for (const issue of read.issues) {
          expect(renderIssue(issue)).not.toMatch(/[\n\r]/);
          expect(issue.message).not.toBe('');
          if (issue.file !== 'canary.yml') continue;
          expect(issue.line).toBeGreaterThanOrEqual(1);
          expect(issue.line).toBeLessThanOrEqual(lines.length);
          expect(issue.column).toBeLessThanOrEqual((lines[(issue.line ?? 0) - 1]?.length ?? 0) + 1);
        }
      }),
      SEEDED,
    );
  });

  test('gives its secrets without a fault, and none that would mask everything', () => {
    fc.assert(
      fc.property(anyInputs, (inputs) => {
        for (const secret of secretsOf(inputs)) expect(secret.length).toBeGreaterThanOrEqual(3);
      }),
      SEEDED,
    );
  });

  test('nested a hundred thousand times is an issue, not a fault', () => {
    for (const opening of ['[', '{a: ', '- ', '? ']) {
      const text = opening.repeat(100_000);

      const read = readSpec({ inputs: { ...GOOD_INPUTS, metrics: text }, unknownInputs: [], file: null }, CATALOGUE);

      expect('issues' in read).toBe(true);
    }
  });

  test('whose aliases unfold into millions is an issue', () => {
    const rows = Array.from({ length: 20 }, (_, index) => `a${index + 1}: &a${index + 1} [${`*a${index},`.repeat(9)}]`);
    const text = ['a0: &a0 [x]', ...rows].join('\n');

    const read = readSpec({ inputs: GOOD_INPUTS, unknownInputs: [], file: { path: 'canary.yml', text } }, CATALOGUE);

    expect('issues' in read && read.issues.some((issue) => issue.message.includes('too deeply'))).toBe(true);
  });
});

describe('any text beside a target that is given as inputs', () => {
  const target = { deployment: 'checkout', namespace: 'shop', kubeconfig: 'kube.yml', context: 'production' };
  const beside = fc.tuple(anyText, fc.constantFrom('status', 'pause', 'abort', 'sweep'));

  test('never keeps an urgent command from it', () => {
    fc.assert(
      fc.property(beside, ([text, command]) => {
        const read = readSpec({ ...text, inputs: { ...text.inputs, ...target, command } }, CATALOGUE);

        expect('control' in read && read.control).toMatchObject({ command, deployment: 'checkout', namespace: 'shop' });
      }),
      SOME,
    );
  });

  test('refuses the others as soon as it has a mistake, and tells an urgent one of each', () => {
    fc.assert(
      fc.property(beside, ([text, command]) => {
        const urgent = readSpec({ ...text, inputs: { ...text.inputs, ...target, command } }, CATALOGUE);
        const strict = readSpec({ ...text, inputs: { ...text.inputs, ...target, command: 'promote' } }, CATALOGUE);

        const ignored = urgent.warnings.filter((warning) => warning.includes('does without it)'));
        expect('issues' in strict ? strict.issues.length : 0).toBe(ignored.length);
      }),
      SOME,
    );
  });

  test('gives a Spec to what releases, and none to what steers', () => {
    fc.assert(
      fc.property(anyCommand, fc.option(damaged), (command, file) => {
        const { image, ...others } = { ...GOOD_INPUTS, ...target };
        const inputs = { ...others, ...(command === 'rollback' ? {} : { image }), command };

        const read = readSpec(
          { inputs, unknownInputs: [], file: file === null ? null : { path: 'canary.yml', text: file } },
          CATALOGUE,
        );

        if ('issues' in read) expect(file).not.toBeNull();
        else expect('control' in read).toBe(isControl(command));
      }),
      SOME,
    );
  });
});

describe('what is valid', () => {
  const weights = fc
    .uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 12 })
    .map((tenths) => tenths.sort((one, other) => one - other).map((tenth) => tenth * 10));
  const separator = fc.constantFrom(',', ', ', '\n', ',\n', ' , ');

  test('weights come back as they were written', () => {
    fc.assert(
      fc.property(weights, separator, (points, between) => {
        const inputs = { ...GOOD_INPUTS, weights: points.map(formatPercent).join(between) };

        const read = readSpec({ inputs, unknownInputs: [], file: null }, CATALOGUE);

        expect('spec' in read ? read.spec.steps.map((step) => step.weight) : read).toEqual(points);
      }),
      SEEDED,
    );
  });

  test('a rollout can end at each of its weights, and at no other', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 1_000 }), (points, tenth) => {
        const wanted = tenth * 10;
        const inputs = { ...GOOD_INPUTS, weights: points.map(formatPercent).join(), until: formatPercent(wanted) };

        const read = readSpec({ inputs, unknownInputs: [], file: null }, CATALOGUE);

        const [first] = points;
        const until = 'spec' in read ? read.spec.conduct.until : null;
        expect(until).toEqual(points.includes(wanted) ? { kind: 'weight', weight: wanted } : null);
        const atFirst = { ...inputs, until: formatPercent(first ?? 0) };
        expect('spec' in readSpec({ inputs: atFirst, unknownInputs: [], file: null }, CATALOGUE)).toBe(true);
      }),
      SEEDED,
    );
  });

  test('approvers come back in lower case, without signs and each once', () => {
    const login = fc.stringMatching(/^[A-Za-z0-9](?:-?[A-Za-z0-9]){0,18}$/);
    const people = fc.uniqueArray(login, { minLength: 1, maxLength: 8, selector: (name) => name.toLowerCase() });

    fc.assert(
      fc.property(people, separator, fc.constantFrom('', '@'), (logins, between, sign) => {
        const approvers = [...logins, ...logins].map((name) => sign + name).join(between);

        const read = readSpec({ inputs: { ...GOOD_INPUTS, approvers }, unknownInputs: [], file: null }, CATALOGUE);

        const approval = 'spec' in read ? read.spec.conduct.approval.approvers : read;
        expect(approval).toEqual(logins.map((name) => name.toLowerCase()));
      }),
      SEEDED,
    );
  });

  test('durations come back as they were written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 120 * 3_600 }), (seconds) => {
        const text = formatDuration(seconds * 1_000);

        expect(parseDuration(text, 0)).toEqual({ ok: true, value: seconds * 1_000 });
      }),
      SEEDED,
    );
  });
});
