import http from 'node:http';
import { claimNoneLostSince, claimPromoted, claimRestored, claimStatus, openCase, runAction } from '../harness/case.ts';
import { textAt } from '../harness/json.ts';
import { paths } from '../harness/kube.ts';
import { deployment, imageOf } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';
import type { Reply, Sender } from '../stack/senders.ts';
import { PORT } from '../stack/settings.ts';

const NAMESPACE = 'worker';

const handTo = (ip: string): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const request = http.request({ host: ip, port: PORT.farm, method: 'POST', agent: false }, (response) => {
      response.resume();
      response.on('end', () =>
        resolve({ version: String(response.headers['x-version'] ?? 'none'), code: response.statusCode ?? 0 }),
      );
    });
    request.on('error', reject);
    request.end();
  });

/** A queue: every worker that runs takes a share of the jobs, whoever started it. */
const createQueue = ({ kube }: Context): Sender => {
  let workers: readonly string[] = [];
  let turn = 0;
  const look = async (): Promise<void> => {
    const { status, body } = await kube.call('GET', paths.pods(NAMESPACE));
    const items = status === 200 ? ((body as { items: readonly unknown[] }).items ?? []) : [];
    workers = items
      .filter((pod) => textAt(pod, 'status', 'phase') === 'Running' && !textAt(pod, 'metadata', 'deletionTimestamp'))
      .map((pod) => textAt(pod, 'status', 'podIP'));
  };
  const timer = setInterval(() => void look().catch(() => {}), 250);
  return {
    send: () => {
      turn += 1;
      const worker = workers[turn % workers.length];
      return worker === undefined ? Promise.resolve({ version: 'none', code: 200 }) : handTo(worker);
    },
    close: () => clearInterval(timer),
  };
};

const release = async (context: Context): Promise<void> => {
  const labels = { app: 'mailer', track: 'stable' };
  const app = deployment({ namespace: NAMESPACE, name: 'mailer', version: '1.0', labels });
  const opened = await openCase(context, {
    namespace: NAMESPACE,
    objects: [app],
    rps: 50,
    sender: createQueue(context),
  });
  const inputs = {
    ...releaseInputs(opened.shop, imageOf('mailer', '2.0'), 'mailer'),
    route: 'replicas',
    weights: '25, 50',
  };

  const bad = await runAction(context, { ...inputs, image: imageOf('mailer', '2.0-bad50') });
  const harmed = opened.traffic.answers.filter(({ code }) => code !== 200);
  claimStatus(context, bad, 'rolled-back', 'metric-failed', 1);
  const onlyCanary = harmed.length > 0 && harmed.every(({ version }) => version === '2.0-bad50');
  context.claims.claim('only the bad canary failed jobs', onlyCanary, `${harmed.length} jobs`);
  await claimRestored(context, opened, ['Deployment/mailer']);

  const run = await runAction(context, inputs);
  const report = await opened.traffic.end();
  claimStatus(context, run, 'promoted', 'completed', 0);
  claimNoneLostSince(context, opened, run.startedAt, '2.0-bad50');
  const jobs = report.versions['2.0']?.total ?? 0;
  context.claims.claim('the new version did work', jobs > 0, `${jobs} jobs`);
  await claimPromoted(context, opened, 'mailer', imageOf('mailer', '2.0'));
  await claimRestored(context, opened, []);
};

export const worker: Suite = {
  name: 'worker',
  title: 'a queue worker without a Service is released by the number of pods',
  alone: false,
  run: release,
};
