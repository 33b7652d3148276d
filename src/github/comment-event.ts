import { field, numberAt, textAt } from './json.ts';

export interface Author {
  readonly login: string | null;
  readonly id: number | null;
  /** `User`, `Bot`, `Organization`, `Mannequin`. */
  readonly type: string | null;
}

/** A comment as an event or the API tells of it. Hostile text; nothing here is proven. */
export interface CommentSeen {
  readonly id: number | null;
  readonly body: string;
  readonly author: Author;
  /** ISO times: equal as long as nobody edited it. */
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  /** An app wrote it, be it in a person's name. */
  readonly isByApp: boolean;
  /** Of the issue or pull request that it stands on. */
  readonly issue: number | null;
}

export interface CommentEvent {
  readonly action: string | null;
  readonly sender: Author;
  readonly isOnPullRequest: boolean;
  readonly comment: CommentSeen;
}

/** Of an `issue_comment` event; null where there is no comment. */
export const commentEventOf = (payload: unknown): CommentEvent | null => {
  const comment = field(payload, 'comment');
  if (comment === null || field(payload, 'issue') === null) return null;
  return {
    action: textAt(payload, 'action'),
    sender: authorOf(field(payload, 'sender')),
    isOnPullRequest: field(payload, 'issue', 'pull_request') !== null,
    comment: { ...commentOf(comment), issue: numberAt(payload, 'issue', 'number') },
  };
};

/** Of `GET /repos/{owner}/{repo}/issues/comments/{comment_id}`, which names the issue by its address alone. */
export const commentOf = (comment: unknown): CommentSeen => ({
  id: numberAt(comment, 'id'),
  body: textAt(comment, 'body') ?? '',
  author: authorOf(field(comment, 'user')),
  createdAt: textAt(comment, 'created_at'),
  updatedAt: textAt(comment, 'updated_at'),
  isByApp: field(comment, 'performed_via_github_app') !== null,
  issue: issueOf(textAt(comment, 'issue_url')),
});

const authorOf = (user: unknown): Author => ({
  login: textAt(user, 'login'),
  id: numberAt(user, 'id'),
  type: textAt(user, 'type'),
});

const issueOf = (url: string | null): number | null => {
  const number = /\/issues\/([1-9]\d{0,14})$/.exec(url ?? '')?.[1];
  return number === undefined ? null : Number(number);
};
