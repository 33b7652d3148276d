import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Scripted } from '../conformance/metric-source-subject.ts';

const success = (resultType: string, result: unknown): string =>
  JSON.stringify({ status: 'success', data: { resultType, result } });
export const vector = (...series: readonly unknown[]): string => success('vector', series);
export const matrix = (...series: readonly unknown[]): string => success('matrix', series);

/** What an instant query at `time` (seconds) answers. The secret is echoed where a store has words of its own. */
export const prometheusAnswer = (
  scripted: Scripted,
  time: number,
  secret: string,
): { readonly status: number; readonly body: string; readonly headers: Readonly<Record<string, string>> } | null => {
  const found = (body: string) => ({ status: 200, body, headers: {} });
  const failure = (status: number, error: string, headers: Readonly<Record<string, string>> = {}) => ({
    status,
    body: JSON.stringify({ status: 'error', errorType: 'bad_data', error }),
    headers,
  });
  switch (scripted.kind) {
    case 'value':
      return found(vector({ metric: {}, value: [time, String(scripted.value)] }));
    case 'counter':
      return found(
        matrix({
          metric: { __name__: 'requests_total', pod: 'a-1' },
          values: scripted.points.map(([at, value]) => [at / 1000, String(value)]),
        }),
      );
    case 'series':
      return found(
        matrix(
          ...scripted.series.map(({ labels, points }) => ({
            metric: { __name__: 'requests_total', ...labels },
            values: points.map(([at, value]) => [at / 1000, String(value)]),
          })),
        ),
      );
    case 'native-histogram':
      return found(matrix({ metric: { __name__: 'latency' }, histograms: [[time, { count: '1', sum: '1' }]] }));
    case 'empty':
      return found(vector());
    case 'nan':
      return found(vector({ metric: {}, value: [time, 'NaN'] }));
    case 'several':
      return found(vector({ metric: { pod: 'a' }, value: [time, '1'] }, { metric: { pod: 'b' }, value: [time, '2'] }));
    case 'invalid':
      return failure(400, `invalid parameter "query": 1:7: parse error: unexpected character near ${secret}`);
    case 'status':
      return failure(scripted.status, `the store says ${scripted.status} to ${secret}`, scripted.headers);
    case 'broken':
      return found('{"status":"success","data":{"resultType":"vector","res');
    case 'silent':
      return null;
  }
};

/** `query` and `time` of a request to /api/v1/query; 404 for anything else. */
export const answerByScript =
  (script: (query: string) => Scripted, secret: string) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://store.example');
    if (!url.pathname.endsWith('/api/v1/query')) {
      response.writeHead(404).end('no such page');
      return;
    }
    const time = Number(url.searchParams.get('time') ?? '1772359200');
    const answer = prometheusAnswer(script(url.searchParams.get('query') ?? ''), time, secret);
    if (answer !== null) response.writeHead(answer.status, answer.headers).end(answer.body);
  };
