import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { examples, isMap, isOurs, listOf, mapOf, type Use, usesIn, workflowFiles, workflows } from './examples.ts';
import { files, textOf } from './sources.ts';

const COMMANDS = ['run', 'plan', 'status', 'pause', 'resume', 'promote', 'abort', 'rollback', 'sweep'];
const CONTROL = ['status', 'pause', 'resume', 'promote', 'abort', 'rollback', 'sweep'];

/** What `command` can be: the text, or the words that an expression chooses from. */
const commandsOf = (use: Use): readonly string[] => {
  const given = String(use.with['command'] ?? 'run');
  if (!given.includes('{{')) return [given];
  return [...given.replaceAll(/\w+\([^()]*\)/g, '').matchAll(/'([^']*)'/g)].map(([, word = '']) => word);
};

const isControl = (use: Use): boolean => isOurs(use.uses) && commandsOf(use).some((word) => CONTROL.includes(word));
const isRelease = (use: Use): boolean => isOurs(use.uses) && commandsOf(use).some((word) => !CONTROL.includes(word));

/** Control commands that would queue behind the release that they should steer. */
const queued = (uses: readonly Use[]): readonly string[] => {
  const releaseGroups = uses.filter(isRelease).flatMap((use) => use.groups);
  return uses
    .filter((use) => isControl(use) && use.groups.some((group) => releaseGroups.includes(group)))
    .map((use) => `${use.where}: ${String(use.with['command'])}`);
};

const allUses = [...workflows, ...examples].flatMap(usesIn);

const action = mapOf(parse(textOf('action.yml')));

describe('the reader of examples', () => {
  test('finds a control command that would queue behind its release', () => {
    const release = parse('concurrency: a\njobs: { x: { steps: [{ uses: ./ }] } }');
    const control = parse(
      'jobs: { y: { concurrency: { group: a }, steps: [{ uses: acme/canary-rollout@v1, with: { command: abort } }] } }',
    );

    expect(queued([release, control].flatMap((document) => usesIn({ where: 'here', document })))).toEqual([
      'here: abort',
    ]);
  });

  test('lets a control command be that has no group, or another one', () => {
    const documents = [
      parse('concurrency: a\njobs: { x: { steps: [{ uses: ./ }] } }'),
      parse('jobs: { y: { steps: [{ uses: ./, with: { command: abort } }] } }'),
      parse('concurrency: b\nsteps: [{ uses: ./, with: { command: abort } }]'),
    ];

    expect(queued(documents.flatMap((document) => usesIn({ where: 'here', document })))).toEqual([]);
  });

  test('finds the commands that an expression chooses from', () => {
    const command = `$${'{{'} inputs.a || startsWith(github.b, '/canary abort') && 'abort' || 'status' }}`;
    const document = { steps: [{ uses: './', with: { command } }] };

    expect(usesIn({ where: 'here', document }).map(commandsOf)).toEqual([['abort', 'status']]);
    expect(usesIn({ where: 'here', document }).map(isRelease)).toEqual([false]);
  });
});

describe('workflows', () => {
  test('are all there', () => {
    const names = ['chatops', 'check-dist', 'ci', 'codeql', 'example-release', 'manual-release', 'nightly', 'release'];

    expect(workflowFiles).toEqual(names.map((name) => `.github/workflows/${name}.yml`));
  });

  test('pin every action by commit, with its version beside it', () => {
    const lines = workflowFiles.flatMap((file) =>
      textOf(file)
        .split('\n')
        .filter((line) => /^\s*(?:- )?uses:/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    const loose = lines.filter(
      (line) => !/uses: (?:\.\/$|[\w.-]+(?:\/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/.test(line),
    );

    expect(lines.length).toBeGreaterThan(0);
    expect(loose).toEqual([]);
  });

  test('pin one action to one commit everywhere', () => {
    const commits = new Map<string, Set<string>>();
    for (const { uses } of workflows.flatMap(usesIn).filter((use) => use.uses !== './')) {
      const repository = uses.split('@')[0]?.split('/').slice(0, 2).join('/') ?? uses;
      commits.set(repository, (commits.get(repository) ?? new Set()).add(uses.split('@')[1] ?? ''));
    }

    expect([...commits].filter(([, found]) => found.size !== 1)).toEqual([]);
  });

  test('start from no rights or from reading', () => {
    const generous = workflows.filter(({ document }) => {
      const permissions = mapOf(document)['permissions'];
      const isExample = /example-release|manual-release/.test(
        JSON.stringify(mapOf(document)['name']).replace(' ', '-'),
      );
      const writes = Object.values(mapOf(permissions)).filter((right) => right !== 'read');
      return !isMap(permissions) || (!isExample && writes.length > 0);
    });

    expect(generous.map(({ where }) => where)).toEqual([]);
  });

  test('leave no credentials behind in the checkout', () => {
    const checkouts = workflows.flatMap(usesIn).filter((use) => use.uses.startsWith('actions/checkout@'));

    expect(checkouts.length).toBeGreaterThan(0);
    expect(checkouts.filter((use) => use.with['persist-credentials'] !== false)).toEqual([]);
  });

  test('put no expression into a shell', () => {
    const inline = workflows.flatMap(({ where, document }) =>
      Object.values(mapOf(mapOf(document)['jobs']))
        .flatMap((job) => listOf(mapOf(job)['steps']).map(mapOf))
        .filter((step) => String(step['run'] ?? '').includes('${{'))
        .map(() => where),
    );

    expect(inline).toEqual([]);
  });
});

describe('examples of a release', () => {
  test('parse and use only inputs that action.yml has', () => {
    const known = Object.keys(mapOf(action['inputs']));
    const ours = allUses.filter((use) => isOurs(use.uses));
    const unknown = ours.flatMap((use) =>
      Object.keys(use.with)
        .filter((input) => !known.includes(input))
        .map((input) => `${use.where}: ${input}`),
    );

    expect(ours.length).toBeGreaterThan(0);
    expect(unknown).toEqual([]);
  });

  test('name outputs that action.yml has', () => {
    const known = Object.keys(mapOf(action['outputs']));
    const texts = [...workflowFiles, ...files('README.md', 'docs/**/*.md')].map(
      (file) => [file, textOf(file)] as const,
    );
    const named = texts.flatMap(([file, text]) =>
      [...text.matchAll(/steps\.canary\.outputs\.([\w-]+)/g)].map((match) => `${file}: ${match[1]}`),
    );

    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((entry) => !known.includes(entry.split(': ')[1] ?? ''))).toEqual([]);
  });

  test('that are whole workflows have a concurrency group that never cancels a release', () => {
    const whole = [...workflows, ...examples].filter(
      (example) => isMap(mapOf(example.document)['jobs']) && usesIn(example).some(isRelease),
    );
    const wrong = whole.filter(({ document }) => {
      const scopes = [mapOf(document), ...Object.values(mapOf(mapOf(document)['jobs'])).map(mapOf)];
      return !scopes.some((scope) => mapOf(scope['concurrency'])['cancel-in-progress'] === false);
    });

    expect(whole.length).toBeGreaterThan(1);
    expect(wrong.map(({ where }) => where)).toEqual([]);
  });

  test('never let a control command queue behind the release that it steers', () => {
    expect(queued(allUses)).toEqual([]);
  });

  test('call only commands that the action has', () => {
    const commands = allUses.filter((use) => isOurs(use.uses)).flatMap(commandsOf);

    expect(commands.filter((command) => !COMMANDS.includes(command))).toEqual([]);
    expect(CONTROL.filter((command) => !commands.includes(command))).toEqual([]);
  });
});

test('action.yml has expressions only where the runner takes them: in defaults', () => {
  const lines = textOf('action.yml')
    .split('\n')
    .filter((line) => line.includes('${' + '{'));

  expect(lines.length).toBeGreaterThan(0);
  expect(lines.filter((line) => !/^ {4}default: /.test(line))).toEqual([]);
});
