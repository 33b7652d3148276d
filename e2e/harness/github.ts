import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface GitHubRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface FakeGitHub {
  readonly url: string;
  readonly requests: readonly GitHubRequest[];
  stop(): void;
}

const readAll = async (incoming: http.IncomingMessage): Promise<string> => {
  let body = '';
  for await (const chunk of incoming) body += chunk;
  return body;
};

/** Keeps comments and statuses and answers with what GitHub would at the least; its contract is tested elsewhere. */
export const startGitHub = async (): Promise<FakeGitHub> => {
  const requests: GitHubRequest[] = [];
  const comments: { id: number; body: string; html_url: string; user: { login: string; type: string } }[] = [];
  const bot = { login: 'github-actions[bot]', type: 'Bot' };
  const answer = (method: string, path: string, text: string): readonly [status: number, body: unknown] => {
    const sent = text ? (JSON.parse(text) as { body?: string }) : {};
    if (/\/issues\/\d+\/comments/.test(path)) {
      if (method === 'GET') return [200, comments];
      const id = comments.length + 1;
      const comment = { id, body: sent.body ?? '', html_url: `https://github.example/comment/${id}`, user: bot };
      comments.push(comment);
      return [201, comment];
    }
    const [, id] = /\/issues\/comments\/(\d+)/.exec(path) ?? [];
    const known = comments.find((comment) => comment.id === Number(id));
    if (known) {
      known.body = sent.body ?? known.body;
      return [200, known];
    }
    if (path.includes('/statuses/')) return [201, { id: 1, ...sent }];
    if (/\/commits\/\w+\/pulls/.test(path))
      return [200, [{ number: 7, state: 'open', html_url: 'https://github.example/7' }]];
    return [404, { message: 'Not Found' }];
  };
  const server = http.createServer(async (incoming, response) => {
    const { method = '', url = '' } = incoming;
    const body = await readAll(incoming);
    requests.push({ method, path: url, body });
    const [status, content] = answer(method, url, body);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(content));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, requests, stop };
};
