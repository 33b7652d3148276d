import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { GitHub } from '../../sandbox/github/index.ts';
import type { Asked } from '../../src/core/command.ts';
import { fitsRollout, type Proof, parseCommandLine, provenCommand } from '../../src/github/chatops.ts';
import type { RunContext } from '../../src/github/context.ts';
import { aPlan, aRollout } from '../fakes/rollout.ts';
import { clientOf, contextOf, empty, openGitHub, saying, WRITTEN_AT } from './commented.ts';
import { aContext } from './server.ts';

const held = {} as { github: GitHub };
beforeAll(async () => {
  held.github = await openGitHub();
});
beforeEach(() => empty(held.github));
afterEach(() => expect(held.github.violations).toEqual([]));
afterAll(() => held.github.stop());

const proven = (context: RunContext, command = 'abort') => provenCommand(context, clientOf(held.github), command);
const refusedFor = (code: string, words: RegExp) => ({
  refused: { code, text: expect.stringMatching(words), metric: null },
});

describe('the command line of a comment', () => {
  test.each([
    ['/canary abort', 'abort', null],
    ['/canary abort  \t', 'abort', null],
    ['/canary promote 5f3a9c', 'promote', '5f3a9c'],
    ['/canary pause\r\nbecause of the errors', 'pause', null],
    ['/canary nonsense', 'nonsense', null],
  ])('%j is read', (body, name, rolloutId) => {
    expect(parseCommandLine(body)).toEqual({ name, rolloutId });
  });

  test.each([
    '',
    ' /canary abort',
    '\n/canary abort',
    '> /canary abort',
    'please /canary abort',
    '/canary  abort',
    '/Canary abort',
    '/canary ABORT',
    '/canary abort now please',
    '/canary abort; id',
    '/canary abort $(id)',
    '/canary abort `id`',
    `/canary abort ${'x'.repeat(64)}`,
    '/canary abort\u200b',
    '/canary аbort',
    '/canaryabort',
    '/canary',
  ])('%j is none', (body) => {
    expect(parseCommandLine(body)).toBeNull();
  });
});

describe('a comment', () => {
  test('of somebody who may write is proven, with what the rollout compares it by', async () => {
    const comment = saying(held.github, '/canary abort 5f3a9c\nit is on fire');

    expect(await proven(contextOf(comment))).toEqual({
      ok: {
        by: 'mona',
        id: `comment-${comment.id}`,
        commentId: comment.id,
        createdAt: WRITTEN_AT,
        repository: 'acme/checkout',
        pullRequest: 7,
        rolloutId: '5f3a9c',
      },
    });
    expect(held.github.requests.map(({ path }) => path).sort()).toEqual([
      '/repos/acme/checkout/collaborators/mona/permission',
      `/repos/acme/checkout/issues/comments/${comment.id}`,
    ]);
  });

  test.each(['admin', 'maintain', 'write'])('of somebody with the role %s may steer', async (role) => {
    held.github.roles['mona'] = role;

    expect(await proven(contextOf(saying(held.github, '/canary abort')))).toHaveProperty('ok');
  });

  test.each(['triage', 'read', 'none'])(
    'of somebody with the role %s may not, whatever the event says',
    async (role) => {
      held.github.roles['mona'] = role;
      const context = contextOf(saying(held.github, '/canary abort'));

      expect(await proven(context)).toEqual(refusedFor('command-refused', new RegExp(`role \`${role}\``)));
    },
  );

  test('that asks for something else than the workflow is refused', async () => {
    const context = contextOf(saying(held.github, '/canary pause'));

    expect(await proven(context, 'promote')).toEqual(
      refusedFor('command-refused', /asks for `pause`.*command: promote/),
    );
    expect(held.github.requests).toEqual([]);
  });

  test.each(['/canary abrot', '/canary sweep', '/canary run', '/canary plan'])(
    '%j names the commands that there are',
    async (body) => {
      const context = contextOf(saying(held.github, body));

      expect(await proven(context, 'sweep')).toEqual(
        refusedFor('command-refused', /no command .* status, pause, resume, promote, abort, rollback/),
      );
    },
  );

  test('whose command is not the whole first line is refused', async () => {
    const context = contextOf(saying(held.github, '/canary abort & rm -rf /'));

    expect(await proven(context)).toEqual(refusedFor('command-refused', /first line/));
  });

  test.each([
    ['edited', /only new comments/],
    ['deleted', /only new comments/],
  ] as const)('that was %s is no command', async (action, words) => {
    const context = contextOf(saying(held.github, '/canary abort'), { action });

    expect(await proven(context)).toEqual(refusedFor('untrusted-event', words));
  });

  test('on an issue is no command', async () => {
    const context = contextOf(saying(held.github, '/canary abort'), { isIssue: true });

    expect(await proven(context)).toEqual(refusedFor('untrusted-event', /pull request/));
  });

  test('of a bot is no command, whatever rights it has', async () => {
    held.github.roles['helper[bot]'] = 'admin';
    const context = contextOf(saying(held.github, '/canary abort', 'helper[bot]'));

    expect(await proven(context)).toEqual(refusedFor('untrusted-event', /bots/));
    expect(held.github.requests).toEqual([]);
  });

  test('that an app wrote in a person’s name is no command', async () => {
    const context = contextOf(saying(held.github, '/canary abort'));
    const event = context.comment;
    const byApp = event === null ? null : { ...event, comment: { ...event.comment, isByApp: true } };

    expect(await proven({ ...context, comment: byApp })).toEqual(refusedFor('untrusted-event', /apps/));
  });

  test('that somebody else sent than wrote it is no command', async () => {
    const context = contextOf(saying(held.github, '/canary abort'));
    const event = context.comment;
    const sender = { login: 'eve', id: 2, type: 'User' };

    expect(await proven({ ...context, comment: event === null ? null : { ...event, sender } })).toEqual(
      refusedFor('untrusted-event', /somebody else/),
    );
  });

  test('that was edited since, by its author or a maintainer, is refused', async () => {
    const comment = saying(held.github, '/canary abort');
    const context = contextOf(comment);
    comment.body = '/canary promote';
    comment.updatedAt = '2026-03-01T10:30:09Z';

    expect(await proven(context)).toEqual(refusedFor('command-refused', /was changed/));
  });

  test('that was edited in the second it was written in is refused', async () => {
    const comment = saying(held.github, 'hello');
    comment.body = '/canary abort';
    const context = contextOf(comment);
    comment.body = 'hello';

    expect(await proven(context)).toEqual(refusedFor('command-refused', /was changed/));
  });

  test('that was edited before the event was made is refused', async () => {
    const comment = saying(held.github, '/canary abort');
    comment.updatedAt = '2026-03-01T10:30:01Z';

    expect(await proven(contextOf(comment))).toEqual(refusedFor('command-refused', /was edited/));
  });

  test('that was deleted since is refused', async () => {
    const context = contextOf(saying(held.github, '/canary abort'));
    held.github.comments.length = 0;

    expect(await proven(context)).toEqual(refusedFor('command-refused', /not there any more/));
  });

  test('that stands on another pull request than the event says is refused', async () => {
    const comment = saying(held.github, '/canary abort');
    const context = contextOf({ ...comment, issue: 8 });

    expect(await proven(context)).toEqual(refusedFor('command-refused', /was changed/));
  });

  test.each(['/permission', '/comments/'])('is refused while GitHub does not answer about %s', async (part) => {
    const context = contextOf(saying(held.github, '/canary abort'));
    held.github.faults.push({ matches: ({ path }) => path.includes(part), answer: { kind: 'status', code: 502 } });

    expect(await proven(context)).toEqual(refusedFor('command-refused', /by order of the sandbox/));
  });

  test('whose author’s login belongs to somebody else by now is refused', async () => {
    const context = contextOf(saying(held.github, '/canary abort'));
    const client = clientOf(held.github);
    const renamed = {
      call: async (...[route, parameters]: Parameters<typeof client.call>) =>
        client.call(route, route.includes('permission') ? { ...parameters, username: 'admina' } : parameters),
    };
    held.github.roles['admina'] = 'admin';

    expect(await provenCommand(context, renamed, 'abort')).toEqual(refusedFor('command-refused', /somebody else/));
  });

  test('is refused without a token, and without a comment in the event', async () => {
    const context = contextOf(saying(held.github, '/canary abort'));

    expect(await provenCommand(context, null, 'abort')).toEqual(refusedFor('command-refused', /github-token/));
    expect(await proven({ ...context, comment: null })).toEqual(refusedFor('untrusted-event', /not a comment/));
    expect(await proven(aContext())).toEqual(refusedFor('untrusted-event', /not a comment/));
  });
});

describe('a proven comment', () => {
  const proof: Proof = {
    by: 'mona',
    id: 'comment-1001',
    commentId: 1001,
    createdAt: WRITTEN_AT,
    repository: 'Acme/shop',
    pullRequest: 7,
    rolloutId: null,
  };
  const rollout = aRollout({ startedAt: WRITTEN_AT - 1 });
  const run = rollout.plan.run;
  const asked: Asked = {
    name: 'pause',
    rolloutId: null,
    by: 'mona',
    id: 'comment-1001',
    raw: 'pause',
    at: WRITTEN_AT,
    refused: null,
    acknowledged: true,
  };

  test('fits the rollout of its pull request', () => {
    expect(fitsRollout(proof, rollout)).toBeNull();
    expect(fitsRollout({ ...proof, rolloutId: rollout.plan.target.rolloutId }, rollout)).toBeNull();
    expect(
      fitsRollout(proof, {
        ...rollout,
        asked: [
          { ...asked, id: null },
          { ...asked, id: 'comment-1000' },
        ],
      }),
    ).toBeNull();
  });

  test.each([
    ['of another pull request', { plan: aPlan({ run: { ...run, pullRequest: 8 } }) }, /pull request acme\/shop#8/],
    ['of another repository', { plan: aPlan({ run: { ...run, repository: 'acme/cart' } }) }, /acme\/cart#7/],
    ['of no repository', { plan: aPlan({ run: { ...run, repository: null } }) }, /only comments there/],
    ['of no pull request', { plan: aPlan({ run: { ...run, pullRequest: null } }) }, /belongs to no pull request/],
    ['that began later', { startedAt: WRITTEN_AT + 1 }, /older than the rollout/],
    ['that began in the same second', { startedAt: WRITTEN_AT }, /older than the rollout/],
    ['that has acted on it', { asked: [asked] }, /acted on already/],
    ['that has refused it', { asked: [{ ...asked, refused: 'no' }] }, /acted on already/],
  ])('does not fit a rollout %s', (_, changes, words) => {
    expect(fitsRollout(proof, { ...rollout, ...changes })).toMatch(words);
  });

  test('does not fit another rollout than it names', () => {
    expect(fitsRollout({ ...proof, rolloutId: 'r-1' }, rollout)).toBe('the open rollout is `r-812-1`, not `r-1`');
  });
});
