import { readFileSync } from 'node:fs';
import type http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import type { Manifest, Pods } from './pods.ts';

type Open = (path: string) => Promise<http.IncomingMessage>;

/** The stack writes its kubeconfig as JSON. */
const openerOf = (kubeconfigFile: string): Open => {
  const kubeconfig = JSON.parse(readFileSync(kubeconfigFile, 'utf8'));
  const { server, 'certificate-authority-data': certificate } = kubeconfig.clusters[0].cluster;
  const options = {
    ca: Buffer.from(certificate, 'base64'),
    headers: { authorization: `Bearer ${kubeconfig.users[0].user.token}` },
    agent: new https.Agent({ keepAlive: true }),
  };
  return (path) =>
    new Promise((resolve, reject) => {
      https
        .get(new URL(path, server), options, (response) => {
          if (response.statusCode === 200) return resolve(response);
          response.resume();
          return reject(new Error(`${path}: ${response.statusCode}`));
        })
        .on('error', reject);
    });
};

const follow = async (open: Open, pods: Pods): Promise<void> => {
  let body = '';
  for await (const chunk of await open('/api/v1/pods')) body += chunk;
  const list = JSON.parse(body) as { metadata: { resourceVersion: string }; items: Manifest[] };
  pods.keep(new Set(list.items.map((item) => item.metadata.uid)));
  list.items.forEach(pods.upsert);

  const watch = `/api/v1/pods?watch=true&resourceVersion=${list.metadata.resourceVersion}`;
  for await (const line of createInterface({ input: await open(watch) })) {
    const { type, object } = JSON.parse(line) as { type: string; object: Manifest };
    if (type === 'ERROR') return;
    if (type === 'DELETED') pods.remove(object.metadata.uid);
    else pods.upsert(object);
  }
};

/** Keeps the pods in step with the cluster until the process ends. */
export const followForever = async (kubeconfigFile: string, pods: Pods): Promise<never> => {
  const open = openerOf(kubeconfigFile);
  for (;;) {
    await follow(open, pods).catch((error: Error) => console.error(`watch: ${error.message}`));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
};
