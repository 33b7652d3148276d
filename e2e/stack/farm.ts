// The pod farm: answers HTTP and gRPC for every fake pod of the cluster.
//
// All pod IPs are local addresses of this network namespace, so one listener sees the traffic to all pods and tells them
// apart by the address a connection was made to. Which pods exist comes from a watch.
//
//   node farm.ts --kubeconfig FILE --seed WORD [--port 8080] [--grpc-port 8081] [--metrics-port 9102]

import { parseArgs } from 'node:util';
import { createMetricsServer } from './farm/exposition.ts';
import { createGrpcServer } from './farm/grpc.ts';
import { createHttpServer } from './farm/http.ts';
import { createPods } from './farm/pods.ts';
import { followForever } from './farm/watch.ts';

const { values: options } = parseArgs({
  options: {
    kubeconfig: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    port: { type: 'string', default: '8080' },
    'grpc-port': { type: 'string', default: '8081' },
    'metrics-port': { type: 'string', default: '9102' },
  },
});

const pods = createPods(options.seed);
createHttpServer(pods).listen(Number(options.port), '0.0.0.0', 4096);
createGrpcServer(pods).listen(Number(options['grpc-port']), '0.0.0.0', 4096);
createMetricsServer(pods, Number(options['metrics-port'])).listen(Number(options['metrics-port']), '0.0.0.0');
await followForever(options.kubeconfig, pods);
