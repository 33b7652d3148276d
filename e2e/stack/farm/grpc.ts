import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { type Connection, fails, type Pod, type Pods, record } from './pods.ts';

/** https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
const OK = { status: '0', name: 'OK' } as const;
const INTERNAL = { status: '13', name: 'Internal' } as const;
/** An uncompressed message of no bytes: one flag, four bytes of length. */
const EMPTY_MESSAGE = Buffer.alloc(5);

const answer = (pod: Pod, stream: http2.ServerHttp2Stream): void => {
  const started = performance.now();
  const { latencyMs, latencyP99Ms } = pod.behaviour;
  const code = fails(pod) ? INTERNAL : OK;
  const send = (): void => {
    if (stream.destroyed) return;
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': code.status }));
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'x-version': pod.identity.version,
        'x-pod': pod.identity.pod,
      },
      { waitForTrailers: true },
    );
    stream.end(code === OK ? EMPTY_MESSAGE : undefined);
    record(pod.grpc, code.name, (performance.now() - started) / 1000);
  };
  setTimeout(send, pod.random() < 0.02 ? latencyP99Ms : latencyMs);
};

/** Answers every gRPC call of every pod over HTTP/2 without TLS. */
export const createGrpcServer = (pods: Pods): http2.Http2Server => {
  const podOf = new WeakMap<http2.Http2Session, Pod>();
  const server = http2.createServer();
  server.prependListener('connection', (socket: Socket) => {
    const pod = pods.at(socket.localAddress);
    socket.on('error', () => {});
    if (!pod?.running || pod.stopped) socket.resetAndDestroy();
  });
  server.on('session', (session) => {
    const pod = pods.at(session.socket.localAddress);
    if (!pod || pod.stopped) {
      session.destroy();
      return;
    }
    podOf.set(session, pod);
    const open: Connection = { finish: () => session.close(), reset: () => session.destroy() };
    pod.connections.add(open);
    session.on('close', () => pod.connections.delete(open));
    session.on('error', () => {});
  });
  server.on('stream', (stream) => {
    const pod = stream.session && podOf.get(stream.session);
    stream.on('error', () => {});
    stream.resume();
    if (pod) answer(pod, stream);
    else stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  });
  server.on('sessionError', () => {});
  return server;
};
