import http from 'node:http';
import { LATENCY_BUCKETS, type Pod, type Pods, type Tally } from './pods.ts';

const histogram = (name: string, labels: string, { count, sumSeconds, buckets }: Tally): readonly string[] => {
  let cumulative = 0;
  const lines = buckets.map((inBucket, index) => {
    cumulative += inBucket;
    return `${name}_bucket{${labels},le="${LATENCY_BUCKETS[index]}"} ${cumulative}`;
  });
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sumSeconds}`,
    `${name}_count{${labels}} ${count}`,
  ];
};

const exposition = (pods: readonly Pod[]): string => {
  const requests = ['# TYPE http_requests_total counter'];
  const durations = ['# TYPE http_request_duration_seconds histogram'];
  const calls = ['# TYPE grpc_server_handled_total counter'];
  for (const pod of pods) {
    for (const [code, tally] of pod.http) {
      const labels = `${pod.labels},code="${code}",status="${code}"`;
      requests.push(`http_requests_total{${labels}} ${tally.count}`);
      durations.push(...histogram('http_request_duration_seconds', labels, tally));
    }
    for (const [code, tally] of pod.grpc) {
      calls.push(`grpc_server_handled_total{${pod.labels},grpc_code="${code}"} ${tally.count}`);
    }
  }
  return [...requests, ...durations, ...calls, ''].join('\n');
};

/** The scrape targets, in the form of Prometheus' HTTP discovery. */
const targets = (pods: Pods, port: number): string => {
  const running = pods.all().filter((pod) => pod.running);
  return JSON.stringify([{ targets: running.map((pod) => `${pod.ip}:${port}`) }]);
};

/** `POST /incident?namespace=shop&factor=8`, until the factor is 1 again: something that both versions depend on is ill. */
const disturb = (pods: Pods, url: URL): void =>
  pods.disturb(url.searchParams.get('namespace') ?? '', Number(url.searchParams.get('factor')));

/** On a pod's address its own metrics; on loopback those of all pods, the list of targets, and incidents. */
export const createMetricsServer = (pods: Pods, port: number): http.Server =>
  http.createServer((incoming, response) => {
    const address = incoming.socket.localAddress ?? '';
    const pod = pods.at(address);
    const url = new URL(incoming.url ?? '/', 'http://farm');
    if (!pod && !address.startsWith('127.')) {
      incoming.socket.destroy();
    } else if (!pod && url.pathname === '/incident' && incoming.method === 'POST') {
      disturb(pods, url);
      response.writeHead(204).end();
    } else if (!pod && url.pathname === '/targets') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(targets(pods, port));
    } else {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
      response.end(exposition(pod ? [pod] : pods.all()));
    }
  });
