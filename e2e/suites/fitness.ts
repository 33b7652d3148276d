import { setTimeout as sleep } from 'node:timers/promises';
import { claimNoneLost, openCase } from '../harness/case.ts';
import { numberAt, textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, openShop } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import { httpSender, lost, lostText, startTraffic } from '../harness/traffic.ts';
import { randomOf } from '../stack/random.ts';
import { createHttpSender } from '../stack/senders.ts';
import { PORT } from '../stack/settings.ts';

const update = async (context: Context, namespace: string, template: object): Promise<void> => {
  const path = `${paths.deployments(namespace)}/checkout`;
  const { metadata } = await context.kube.merge(path, { spec: { template } });
  await context.kube.until('the update', async () => {
    const { status } = await context.kube.get(path);
    const generation = numberAt(metadata, 'generation');
    const counts = ['observedGeneration', 'updatedReplicas', 'readyReplicas', 'replicas'].map((key) =>
      numberAt(status, key),
    );
    return counts.join() === [generation, 3, 3, 3].join();
  });
  await sleep(3000); // Old pods have gone.
};

const shopOf = (namespace: string) => [
  deployment({ namespace, name: 'checkout', version: '1.0' }),
  service(namespace, 'checkout'),
  httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]),
];

/** Unless a loss can be seen, "0 lost" proves nothing. */
const showsLosses = async (context: Context): Promise<void> => {
  const namespace = 'fitness-loss';
  const gentle = await openCase(context, { namespace, objects: shopOf(namespace), rps: 100 });
  await update(context, namespace, { metadata: { annotations: { 'farm/drain': '0s' } } });
  claimNoneLost(context, await gentle.traffic.end(), 'a rolling update of an app that drains loses nothing');

  const abrupt = startTraffic({ sender: httpSender(gentle.shop.host), rps: 200, seed: context.seed });
  await update(context, namespace, { metadata: { annotations: { 'farm/drain': null } } });
  const report = await abrupt.end();
  context.claims.claim('one of an app that stops at once loses some', lost(report) > 0, lostText(report));
};

/** What a pod answers can be foretold from the seed: the same run again gives the same failures. */
const failsBySeed = async (context: Context): Promise<void> => {
  const namespace = 'fitness-seed';
  const app = deployment({ namespace, name: 'checkout', version: '1.0-bad20', replicas: 1 });
  await openShop(context, namespace, [app]);
  const [pod] = await context.kube.list(paths.pods(namespace));
  const url = `http://${textAt(pod, 'status', 'podIP')}:${PORT.farm}`;
  const sender = createHttpSender({ url, host: 'checkout' });
  const codes: number[] = [];
  for (let turn = 0; turn < 200; turn += 1) codes.push((await sender.send()).code);
  sender.close();

  const random = randomOf(context.seed, `${namespace} ${imageOf('checkout', '1.0-bad20')}`, 0);
  const foretold = codes.map(() => {
    const code = random() < 0.2 ? 500 : 200;
    random(); // The second number of each request decides how long it takes.
    return code;
  });
  const failures = codes.filter((code) => code === 500).length;
  context.claims.claim(
    'failures follow the seed',
    codes.join() === foretold.join(),
    `${failures} of ${codes.length} failed`,
  );
};

export const fitness: Suite = {
  name: 'fitness',
  title: 'the stack itself: losses show, failures follow the seed',
  alone: false,
  run: async (context) => {
    await Promise.all([showsLosses(context), failsBySeed(context)]);
  },
};
