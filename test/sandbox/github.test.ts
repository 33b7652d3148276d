import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { descriptionText } from '../../sandbox/github/describe.ts';
import { commentEvent } from '../../sandbox/github/events.ts';
import type { GitHub } from '../../sandbox/github/index.ts';
import { startGitHub } from '../../sandbox/github/index.ts';

const held = {} as { github: GitHub };
const SHA = 'f3a91c2b7d4e5f60718293a4b5c6d7e8f9012345';
beforeEach(async () => {
  held.github = await startGitHub({ pulls: [{ number: 7, headSha: SHA }] });
});
afterEach(() => held.github.stop());

const call = async (
  method: string,
  path: string,
  body?: object,
  token = held.github.token,
): Promise<{ code: number; body: unknown; link: string | null }> => {
  const response = await fetch(`${held.github.url}${path}`, {
    method,
    headers: { authorization: `token ${token}` },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { code: response.status, body: await response.json(), link: response.headers.get('link') };
};

const REPOSITORY = '/repos/acme/checkout';
const COMMENTS = `${REPOSITORY}/issues/7/comments`;

test('what the sandbox plays of GitHub is described by `node sandbox/github/describe.ts`', () => {
  const file = new URL('../../sandbox/github/description.json', import.meta.url);

  expect(readFileSync(file, 'utf8') === descriptionText()).toBe(true);
});

describe('GitHub', () => {
  test('keeps a comment and its edits, and its answers fit the description', async () => {
    const made = await call('POST', COMMENTS, { body: 'first' });
    const id = (made.body as { id: number }).id;
    const edited = await call('PATCH', `${REPOSITORY}/issues/comments/${id}`, { body: 'second' });
    const listed = await call('GET', COMMENTS);

    expect([made.code, edited.code]).toEqual([201, 200]);
    expect(listed.body).toMatchObject([{ id, body: 'second', user: { login: 'github-actions[bot]', type: 'Bot' } }]);
    expect(held.github.comments).toMatchObject([{ issue: 7, body: 'second', edits: 1 }]);
    expect(held.github.violations).toEqual([]);
  });

  test('answers pulls of a commit, a pull, the repository and a status by the description', async () => {
    const pulls = await call('GET', `${REPOSITORY}/commits/${SHA}/pulls`);
    const pull = await call('GET', `${REPOSITORY}/pulls/7`);
    const repository = await call('GET', REPOSITORY);
    const status = await call('POST', `${REPOSITORY}/statuses/${SHA}`, {
      state: 'pending',
      context: 'canary',
      description: 'd',
      target_url: 'https://a.example',
    });
    const user = await call('GET', '/user');

    expect(pulls.body).toMatchObject([{ number: 7, head: { sha: SHA } }]);
    expect(pull.body).toMatchObject({ number: 7, merged: false, base: { repo: { full_name: 'acme/checkout' } } });
    expect(repository.body).toMatchObject({ full_name: 'acme/checkout', private: false });
    expect(status.code).toBe(201);
    expect(held.github.statuses).toEqual([
      { sha: SHA, state: 'pending', context: 'canary', description: 'd', targetUrl: 'https://a.example' },
    ]);
    expect(user.code).toBe(403);
    expect(held.github.violations).toEqual([]);
  });

  test('notes a request that does not fit the description', async () => {
    await call('POST', `${REPOSITORY}/statuses/${SHA}`, { state: 'done' });
    await call('POST', COMMENTS, { text: 'no body' });
    await call('GET', `${REPOSITORY}/nowhere`);

    expect(held.github.violations).toEqual(
      expect.arrayContaining([
        expect.stringContaining('request/state: must be equal to one of the allowed values'),
        expect.stringContaining("must have required property 'body'"),
        expect.stringContaining('/nowhere is not played'),
      ]),
    );
  });

  test('refuses a comment that is too long, one on no issue, and a stranger', async () => {
    const tooLong = await call('POST', COMMENTS, { body: 'a'.repeat(65_537) });
    const nowhere = await call('POST', `${REPOSITORY}/issues/8/comments`, { body: 'a' });
    const stranger = await call('GET', COMMENTS, undefined, 'other');

    expect([tooLong.code, nowhere.code, stranger.code]).toEqual([422, 404, 401]);
    expect(JSON.stringify(tooLong.body)).toContain('body is too long (maximum is 65536 characters)');
  });

  test('lists page by page', async () => {
    for (let index = 0; index < 5; index += 1) await call('POST', COMMENTS, { body: `${index}` });
    const first = await call('GET', `${COMMENTS}?per_page=2`);
    const last = await call('GET', `${COMMENTS}?per_page=2&page=3`);

    expect(first.link).toMatch(/<[^>]+page=2[^>]*>; rel="next", <[^>]+page=3[^>]*>; rel="last"/);
    expect(last.body).toMatchObject([{ body: '4' }]);
    expect(last.link).not.toContain('rel="next"');
  });

  test('knows what people may do, by their role and by the repository', async () => {
    held.github.roles['mona'] = 'maintain';
    held.github.roles['tessa'] = 'triage';
    const of = async (login: string) => (await call('GET', `${REPOSITORY}/collaborators/${login}/permission`)).body;

    expect(await of('mona')).toMatchObject({ permission: 'write', role_name: 'maintain', user: { login: 'mona' } });
    expect(await of('tessa')).toMatchObject({ permission: 'read', role_name: 'triage' });
    expect(await of('stranger')).toMatchObject({ permission: 'read', role_name: 'read' });
    expect(held.github.violations).toEqual([]);
  });

  test('keeps what somebody says, when, and reactions to it once each', async () => {
    const said = held.github.say({
      issue: 7,
      body: '/canary abort',
      author: 'mona',
      at: Date.parse('2026-11-21T10:00:05.900Z'),
    });
    const path = `${REPOSITORY}/issues/comments/${said.id}`;
    const read = await call('GET', path);
    const first = await call('POST', `${path}/reactions`, { content: 'eyes' });
    const again = await call('POST', `${path}/reactions`, { content: 'eyes' });
    const nowhere = await call('POST', `${REPOSITORY}/issues/comments/1/reactions`, { content: 'eyes' });

    expect(read.body).toMatchObject({
      body: '/canary abort',
      user: { login: 'mona', type: 'User', id: (commentEvent(said).payload as { sender: { id: number } }).sender.id },
      created_at: '2026-11-21T10:00:05Z',
      updated_at: '2026-11-21T10:00:05Z',
      issue_url: expect.stringMatching(/\/issues\/7$/),
    });
    expect([first.code, again.code, nowhere.code]).toEqual([201, 200, 404]);
    expect(held.github.reactions).toEqual([{ comment: said.id, content: 'eyes', author: 'github-actions[bot]' }]);
    expect(held.github.violations).toEqual([]);
  });

  test('notes a reaction that GitHub does not have', async () => {
    const said = held.github.say({ issue: 7, body: 'a', author: 'mona' });
    await call('POST', `${REPOSITORY}/issues/comments/${said.id}/reactions`, { content: 'thumbs' });

    expect(held.github.violations).toContainEqual(expect.stringContaining('request/content'));
  });

  test('shows an edit by its time', async () => {
    const said = held.github.say({ issue: 7, body: 'a', author: 'mona', at: Date.parse('2026-11-21T10:00:00Z') });
    await call('PATCH', `${REPOSITORY}/issues/comments/${said.id}`, { body: 'b' });
    const read = (await call('GET', `${REPOSITORY}/issues/comments/${said.id}`)).body as Record<string, string>;

    expect(read['created_at']).toBe('2026-11-21T10:00:00Z');
    expect(read['updated_at']).not.toBe(read['created_at']);
  });

  test('has trouble on purpose', async () => {
    held.github.faults.push({
      matches: ({ method }) => method === 'POST',
      answer: { kind: 'status', code: 403, message: 'Resource not accessible by integration' },
      times: 1,
    });
    const refused = await call('POST', COMMENTS, { body: 'a' });
    held.github.faults.push({ answer: { kind: 'reset' }, times: 1 });

    expect(refused).toMatchObject({ code: 403, body: { message: 'Resource not accessible by integration' } });
    await expect(call('GET', COMMENTS)).rejects.toThrow('fetch failed');
  });
});
