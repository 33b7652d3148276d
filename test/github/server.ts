import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RunContext } from '../../src/github/context.ts';

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: IncomingMessage['headers'];
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Never answers. */
  readonly hang?: boolean;
}

export interface FakeGitHub {
  readonly url: string;
  readonly calls: Call[];
  readonly close: () => Promise<void>;
}

const bodyOf = async (request: IncomingMessage): Promise<Call['body']> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : JSON.parse(text);
};

/** GitHub as this test wants it: one function answers every call. */
export const playGitHub = async (answer: (call: Call) => Answer): Promise<FakeGitHub> => {
  const calls: Call[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const call = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      body: await bodyOf(request),
      headers: request.headers,
    };
    calls.push(call);
    const { status, body, headers, hang } = answer(call);
    if (hang === true) return;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export const aContext = (changes: Partial<RunContext> = {}): RunContext => ({
  repository: { owner: 'acme', name: 'shop' },
  event: 'push',
  sha: 'c0ffee',
  pullRequest: 7,
  origin: 'same',
  isPrivate: true,
  runId: '812',
  runUrl: 'https://example.invalid/acme/shop/actions/runs/812/attempts/1',
  actor: 'mona',
  triggeringActor: 'mona',
  workflowUrl: 'https://example.invalid/acme/shop/actions/workflows/chatops.yml',
  comment: null,
  apiUrl: 'https://api.example.invalid',
  workspace: null,
  temporary: null,
  summaryPath: null,
  ...changes,
});

/** Comments kept as GitHub keeps them, in pages. */
export const commentStore = (initial: readonly Readonly<Record<string, unknown>>[] = []) => {
  const comments = [...initial];
  const urlOf = (id: number): string => `https://example.invalid/c/${id}`;
  const answer = ({ method, path, query, body }: Call): Answer => {
    if (method === 'GET' && path.endsWith('/comments')) {
      const [page, size] = [Number(query.get('page') ?? 1), Number(query.get('per_page') ?? 30)];
      return { status: 200, body: comments.slice((page - 1) * size, page * size) };
    }
    if (method === 'POST' && path.endsWith('/comments')) {
      const id = 1000 + comments.length;
      const comment = {
        id,
        html_url: urlOf(id),
        body: body['body'],
        user: { type: 'Bot', login: 'github-actions[bot]' },
      };
      comments.push(comment);
      return { status: 201, body: comment };
    }
    const index = comments.findIndex(({ id }) => path.endsWith(`/comments/${String(id)}`));
    if (method === 'PATCH' && index >= 0) {
      comments[index] = { ...comments[index], body: body['body'] };
      return { status: 200, body: comments[index] };
    }
    return { status: 404, body: { message: 'Not Found' } };
  };
  return { comments, answer };
};
