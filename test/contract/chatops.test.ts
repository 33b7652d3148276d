import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { COMMENT_COMMANDS } from '../../src/github/chatops.ts';
import { examples, isOurs, listOf, mapOf, usesIn, workflows } from './examples.ts';
import { files, textOf } from './sources.ts';

const OPEN = `$${'{{'}`;
const FILE = '.github/workflows/chatops.yml';
const workflow = mapOf(parse(textOf(FILE)));
const jobs = Object.entries(mapOf(workflow['jobs'])).map(([name, job]) => [name, mapOf(job)] as const);

/** What an expression may see of an event. */
interface Given {
  readonly inputs?: { readonly command?: string };
  readonly body?: string;
  readonly isIssue?: boolean;
}

/**
 * Expressions of GitHub as far as these workflows use them: their operators are JavaScript's, their functions ignore
 * case (https://docs.github.com/en/actions/reference/workflows-and-actions/expressions).
 */
const evaluate = (expression: string, { inputs = {}, body, isIssue = false }: Given): unknown => {
  const text = expression.replaceAll(/\$\{\{|\}\}/g, '').trim();
  const event = {
    issue: body === undefined || isIssue ? {} : { pull_request: { url: 'https://example.com' } },
    comment: body === undefined ? {} : { body },
    repository: { default_branch: 'main' },
  };
  const startsWith = (value: unknown, start: string): boolean =>
    String(value ?? '')
      .toLowerCase()
      .startsWith(start.toLowerCase());
  const contains = (list: readonly string[], value: unknown): boolean =>
    list.some((one) => one.toLowerCase() === String(value ?? '').toLowerCase());
  const run = new Function('inputs', 'github', 'startsWith', 'contains', 'fromJSON', `return (${text});`);
  return run(inputs, { event }, startsWith, contains, JSON.parse);
};

const commandOf = (job: ReturnType<typeof mapOf>): string =>
  String(
    listOf(job['steps'])
      .map(mapOf)
      .filter((step) => isOurs(String(step['uses'])))
      .map((step) => mapOf(step['with'])['command'])[0],
  );

/** The jobs that would run, each with the command that it passes on. */
const started = (given: Given): readonly string[] =>
  jobs
    .filter(([, job]) => Boolean(evaluate(String(job['if']), given)))
    .map(([name, job]) => {
      const command = commandOf(job);
      return `${name}: ${String(command.includes('{{') ? evaluate(command, given) : command)}`;
    });

describe('the ready workflow for comments', () => {
  test.each([
    ['/canary abort', ['steer: abort']],
    ['/canary pause\r\nbecause', ['steer: pause']],
    ['/canary status', ['steer: status']],
    ['/canary promote', ['advance: promote']],
    ['/canary resume 5f3a9c', ['advance: resume']],
    ['/canary rollback', ['steer: rollback']],
    ['/canary abrot', ['steer: status']],
    ['/canary $(id)', ['steer: status']],
    ['thanks!', []],
    ['> /canary abort', []],
    ['/canaryabort', []],
  ])('answers %j with %j', (body, expected) => {
    expect(started({ body })).toEqual(expected);
  });

  test('starts nothing for a comment on an issue', () => {
    expect(COMMENT_COMMANDS.flatMap((name) => started({ body: `/canary ${name}`, isIssue: true }))).toEqual([]);
  });

  test('passes on what was chosen by hand, in the job that a comment would go to, and rolls back only then', () => {
    const byHand = COMMENT_COMMANDS.map((command) => started({ inputs: { command } }));

    expect(byHand).toEqual([
      ['steer: status'],
      ['steer: pause'],
      ['advance: resume'],
      ['advance: promote'],
      ['steer: abort'],
      ['rollback: rollback'],
    ]);
  });

  test('offers by hand what comments offer', () => {
    const dispatch = mapOf(mapOf(workflow['on'])['workflow_dispatch']);
    const options = listOf(mapOf(mapOf(dispatch['inputs'])['command'])['options']);

    expect([...options].sort()).toEqual([...COMMENT_COMMANDS].sort());
  });

  test('lets nobody but the reviewers of the environment send more traffic', () => {
    const environments = Object.fromEntries(jobs.map(([name, job]) => [name, job['environment'] ?? null]));

    expect(environments).toEqual({ steer: null, advance: 'production', rollback: 'production' });
  });

  test('queues behind nothing', () => {
    const scopes = [workflow, ...jobs.map(([, job]) => job)];

    expect(scopes.filter((scope) => 'concurrency' in scope)).toEqual([]);
  });

  test('is started by new comments and by hand alone, and reads only the default branch', () => {
    expect(Object.keys(mapOf(workflow['on']))).toEqual(['issue_comment', 'workflow_dispatch']);
    expect(mapOf(mapOf(workflow['on'])['issue_comment'])['types']).toEqual(['created']);
    const checkouts = usesIn({ where: FILE, document: workflow }).filter((use) =>
      use.uses.startsWith('actions/checkout@'),
    );
    expect(checkouts.map((use) => use.with['ref'])).toEqual(
      jobs.map(() => `${OPEN} github.event.repository.default_branch }}`),
    );
  });

  test('runs no shell and needs no rights but those to answer', () => {
    const steps = jobs.flatMap(([, job]) => listOf(job['steps']).map(mapOf));

    expect(steps.filter((step) => 'run' in step)).toEqual([]);
    expect(workflow['permissions']).toEqual({ contents: 'read' });
  });
});

describe('workflows and examples', () => {
  /** Texts that anybody can write, in the events that anybody can cause. */
  const HOSTILE =
    /github\.head_ref|github\.event\.(?:comment|issue|review|discussion|head_commit|pull_request\.(?:title|body|head\.ref))/;
  const harmless = (text: string): string =>
    text
      .replaceAll(/startsWith\(github\.event\.comment\.body, '[^']*'\)/g, '')
      .replaceAll(/github\.event\.issue\.pull_request\b/g, '');
  const using = [...workflows, ...examples]
    .map(({ where, document }) => ({ where, text: JSON.stringify(document) }))
    .filter(({ text }) => HOSTILE.test(text));

  test('only compare what anybody can write with the beginning of a text, and never pass it on', () => {
    expect(using.length).toBeGreaterThan(1);
    expect(using.filter(({ text }) => HOSTILE.test(harmless(text))).map(({ where }) => where)).toEqual([]);
  });

  test('show the ready workflow as it is', () => {
    const [shown] = examples.filter(
      ({ where, document }) => where.startsWith('docs/commands.md') && mapOf(document)['name'] === 'chatops',
    );

    expect(shown?.text.replaceAll('acme/canary-rollout@v1', './').trim()).toBe(
      textOf(FILE).slice(textOf(FILE).indexOf('name: chatops')).trim(),
    );
  });
});

describe('the page about comments', () => {
  const page = textOf('docs/chatops.md');
  const sources = files('src/github/*.ts').map(textOf).join('\n').replaceAll('\\`', '`');

  test('quotes refusals that the code has', () => {
    const section = page.slice(page.indexOf('## Refused'));
    const quoted = [...section.matchAll(/(?<=[| ])\*([^*\n]+)\*(?=[,| ])/g)].map((match) => match[1] ?? '');

    expect(quoted.length).toBeGreaterThan(8);
    expect(quoted.filter((message) => !sources.includes(message))).toEqual([]);
  });

  test('lists the commands that a comment can give', () => {
    const listed = [...page.matchAll(/^\/canary ([a-z]+) {2,}/gm)].map((match) => match[1]);

    expect([...listed].sort()).toEqual([...COMMENT_COMMANDS].sort());
  });
});
