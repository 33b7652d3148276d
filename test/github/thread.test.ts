import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { GitHub } from '../../sandbox/github/index.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { rejection } from '../../src/core/rejection.ts';
import type { Rollout } from '../../src/core/rollout.ts';
import { findAsker, whoAsks } from '../../src/github/asker.ts';
import type { GitHubClient } from '../../src/github/client.ts';
import type { RunContext } from '../../src/github/context.ts';
import { openThread } from '../../src/github/thread.ts';
import { aRollout, at } from '../fakes/rollout.ts';
import { clientOf, contextOf, empty, openGitHub, saying } from './commented.ts';
import { aContext } from './server.ts';

const held = {} as { github: GitHub };
beforeAll(async () => {
  held.github = await openGitHub();
});
beforeEach(() => empty(held.github));
afterEach(() => expect(held.github.violations).toEqual([]));
afterAll(() => held.github.stop());

const threadOn = (context: RunContext, command = 'abort', client: GitHubClient | null = clientOf(held.github)) => {
  const warnings: string[] = [];
  const thread = openThread({
    client,
    context,
    command,
    now: () => at('10:31:00'),
    warn: (text) => warnings.push(text),
  });
  return { thread, warnings };
};
const reactions = () => held.github.reactions.map(({ content }) => content);
const answers = () => held.github.comments.filter(({ author }) => author.endsWith('[bot]')).map(({ body }) => body);
const finished = (phase: Rollout['phase']): Outcome => ({ kind: 'finished', rollout: aRollout({ phase }) });
const handedOver: Outcome = {
  kind: 'accepted',
  reason: { code: 'handed-over', text: 'the run that holds the lock has it', metric: null },
  rollouts: [],
  failed: false,
};

describe('who asks', () => {
  test('is whoever started this attempt, not who started the first', () => {
    expect(whoAsks(aContext({ actor: 'mona', triggeringActor: 'hubot' }))).toBe('hubot');
    expect(whoAsks(aContext({ actor: 'mona', triggeringActor: null }))).toBe('mona');
    expect(whoAsks(aContext({ actor: null, triggeringActor: null }))).toBeNull();
  });

  test.each(['workflow_dispatch', 'schedule', 'push', 'workflow_run', ''])(
    'in a job of the event %j is taken at its word',
    async (event) => {
      expect(await findAsker(aContext({ event }), null, 'abort')).toEqual({ ok: { by: 'mona', comment: null } });
    },
  );

  test.each([
    'issues',
    'discussion_comment',
    'pull_request_review',
    'pull_request_review_comment',
    'watch',
    'gollum',
    'new_event',
  ])('in an event that anybody can cause, %s, is not', async (event) => {
    expect(await findAsker(aContext({ event }), clientOf(held.github), 'status')).toEqual({
      refused: { code: 'untrusted-event', text: expect.stringContaining(`\`${event}\``), metric: null },
    });
  });

  test.each(['fork', 'unknown'] as const)('from a pull request of origin %s is refused', async (origin) => {
    const context = aContext({ event: 'pull_request_target', origin });

    expect(await findAsker(context, clientOf(held.github), 'abort')).toMatchObject({
      refused: { code: 'untrusted-event' },
    });
  });

  test('in a comment is proven, also on a fork’s pull request', async () => {
    const comment = saying(held.github, '/canary abort');

    expect(await findAsker(contextOf(comment), clientOf(held.github), 'abort')).toMatchObject({
      ok: { by: 'mona', comment: { id: `comment-${comment.id}`, pullRequest: 7 } },
    });
  });

  test('in a comment for a rollback is told where to start it, and nothing else', async () => {
    const context = contextOf(saying(held.github, '/canary rollback'));
    const asker = await findAsker(context, clientOf(held.github), 'rollback');

    expect(asker).toEqual({
      refused: { code: 'command-refused', text: expect.stringContaining(context.workflowUrl ?? '-'), metric: null },
    });
    if ('ok' in asker) return;
    await threadOn(context, 'rollback').thread.conclude(rejection(asker.refused.code, asker.refused.text));
    expect(answers()).toEqual([
      expect.stringContaining(
        'by hand: [this workflow](https://example.invalid/acme/shop/actions/workflows/chatops.yml).',
      ),
    ]);
  });

  test('in a comment for a rollback without rights is told so', async () => {
    held.github.roles['mona'] = 'read';
    const context = contextOf(saying(held.github, '/canary rollback'));

    expect(await findAsker(context, clientOf(held.github), 'rollback')).toMatchObject({
      refused: { text: expect.stringContaining('role `read`') },
    });
  });
});

describe('the answer to a comment', () => {
  test('is an eye at once, and a thumb when the command was handed over', async () => {
    const { thread, warnings } = threadOn(contextOf(saying(held.github, '/canary abort')));
    thread.seen();
    await thread.conclude(handedOver);

    expect(reactions()).toEqual(['eyes', '+1']);
    expect(answers()).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['abort', 'rolled-back', 'rocket'],
    ['abort', 'halted', 'confused'],
    ['promote', 'promoted', 'rocket'],
    ['promote', 'rolled-back', 'confused'],
    ['resume', 'promoted', 'rocket'],
    ['resume', 'left', 'rocket'],
    ['pause', 'left', 'rocket'],
    ['pause', 'rolled-back', 'confused'],
  ] as const)('to %s that ended as %s is %s', async (command, phase, reaction) => {
    const { thread } = threadOn(contextOf(saying(held.github, `/canary ${command}`)), command);
    await thread.conclude(finished(phase));

    expect(reactions()).toEqual([reaction]);
    expect(answers()).toEqual([]);
  });

  test('to status says what there is', async () => {
    const { thread } = threadOn(contextOf(saying(held.github, '/canary status')), 'status');
    const reason = { code: 'no-rollout', text: 'No rollout is open.', metric: null } as const;
    await thread.conclude({ kind: 'accepted', reason, rollouts: [], failed: false });

    expect(reactions()).toEqual(['+1']);
    expect(answers()).toEqual([expect.stringMatching(/no rollout is open/i)]);
  });

  test('that is a refusal says why, in one short comment', async () => {
    const { thread } = threadOn(contextOf(saying(held.github, '/canary abort')));
    await thread.conclude(rejection('command-refused', 'mona has the role `read`; it takes `write` or more.'));

    expect(reactions()).toEqual(['-1']);
    expect(answers()).toEqual([
      '👎 `/canary abort` by `mona`: nothing was done: mona has the role `read`; it takes `write` or more. ([details](https://example.invalid/acme/shop/actions/runs/812/attempts/1))',
    ]);
  });

  test('shows hostile text as text', async () => {
    const { thread } = threadOn(contextOf(saying(held.github, '/canary abort')));
    await thread.conclude(
      rejection('command-refused', '</details><img src=x> @everyone [a](https://evil.example)\n/canary abort'),
    );

    const [body = ''] = answers();
    expect(body).not.toMatch(/<img|<\/details>|@everyone|\]\(https:\/\/evil|\n/);
    expect(body).not.toMatch(/^\/canary/m);
  });

  test('that GitHub refuses is one warning, and no further attempt', async () => {
    held.github.faults.push({
      answer: { kind: 'status', code: 403, message: 'Resource not accessible by integration' },
    });
    const { thread, warnings } = threadOn(contextOf(saying(held.github, '/canary abort')));
    thread.seen();
    await thread.conclude(rejection('command-refused', 'no'));

    expect(warnings).toEqual([expect.stringMatching(/Could not answer the comment.*pull-requests: write/)]);
    expect(held.github.requests).toHaveLength(1);
  });

  test('to a comment that is gone is still written in the thread', async () => {
    const { thread, warnings } = threadOn(contextOf(saying(held.github, '/canary abort')));
    held.github.comments.length = 0;
    await thread.conclude(rejection('command-refused', 'the comment is not there any more'));

    expect(answers()).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['a bot', (github: GitHub) => contextOf(saying(github, '/canary abort', 'helper[bot]'))],
    ['a deletion', (github: GitHub) => contextOf(saying(github, '/canary abort'), { action: 'deleted' })],
    ['a job', () => aContext({ event: 'workflow_dispatch' })],
  ] as const)('to %s is silence', async (_, contextIn) => {
    const { thread } = threadOn(contextIn(held.github));
    thread.seen();
    await thread.conclude(rejection('untrusted-event', 'no'));

    expect(held.github.requests).toEqual([]);
  });

  test('without a token is silence', async () => {
    const { thread, warnings } = threadOn(contextOf(saying(held.github, '/canary abort')), 'abort', null);
    thread.seen();
    await thread.conclude(handedOver);

    expect([held.github.requests, warnings]).toEqual([[], []]);
  });
});
