import http from 'node:http';
import type { Socket } from 'node:net';
import { type Connection, fails, type Pod, type Pods, record } from './pods.ts';

interface Open extends Connection {
  readonly pod: Pod;
  busy: number;
}

const answer = (open: Open, response: http.ServerResponse): void => {
  const { pod } = open;
  const started = performance.now();
  const { latencyMs, latencyP99Ms } = pod.behaviour;
  const code = fails(pod) ? 500 : 200;
  const send = (): void => {
    response.writeHead(code, {
      'content-type': 'application/json',
      'x-version': pod.identity.version,
      'x-pod': pod.identity.pod,
      ...(pod.draining && { connection: 'close' }), // A draining server sends its clients away.
    });
    response.end(JSON.stringify(pod.identity));
    record(pod.http, String(code), (performance.now() - started) / 1000);
  };
  setTimeout(send, pod.random() < 0.02 ? latencyP99Ms : latencyMs);
};

/** Answers for every pod on the pod's own address. */
export const createHttpServer = (pods: Pods): http.Server => {
  const connections = new WeakMap<Socket, Open>();
  const server = http.createServer((incoming, response) => {
    const open = connections.get(incoming.socket);
    if (!open || open.pod.stopped) {
      incoming.socket.destroy();
      return;
    }
    open.busy += 1;
    incoming.resume();
    answer(open, response);
    response.on('close', () => {
      open.busy -= 1;
      if (open.pod.stopped) open.finish();
    });
  });
  // Longer than any client keeps an idle connection: a server that hangs up first races with requests.
  server.keepAliveTimeout = 600_000;
  server.on('connection', (socket: Socket) => {
    const pod = pods.at(socket.localAddress);
    if (!pod?.running || pod.stopped) {
      socket.resetAndDestroy();
      return;
    }
    const open: Open = {
      pod,
      busy: 0,
      finish: () => {
        if (open.busy === 0) socket.destroy();
      },
      reset: () => socket.resetAndDestroy(),
    };
    connections.set(socket, open);
    pod.connections.add(open);
    socket.on('close', () => pod.connections.delete(open));
    socket.on('error', () => {}); // A client that hangs up is not the farm's problem.
  });
  return server;
};
