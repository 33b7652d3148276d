import { claimNoneLost, claimRestored, claimStatus, openCase, runWatched } from '../harness/case.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const release = async (
  context: Context,
  namespace: string,
  version: string,
  wanted: readonly RegExp[],
): Promise<void> => {
  const { claims } = context;
  const route = httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  const objects = [deployment({ namespace, name: 'checkout', version: '1.0' }), service(namespace, 'checkout'), route];

  const opened = await openCase(context, { namespace, objects, rps: 100 });
  const inputs = { ...releaseInputs(opened.shop, imageOf('checkout', version), 'checkout'), 'ready-timeout': '15s' };
  const { run, held } = await runWatched(context, inputs, route, 'checkout-canary');
  const report = await opened.traffic.end();

  claimStatus(context, run, 'rolled-back', 'canary-not-ready', 1);
  const answered = report.versions[version]?.total ?? 0;
  const weights = [...new Set(held.map(({ weight }) => weight))];
  claims.claim('it never had traffic', answered === 0 && weights.join() === '0', { answered, weights });
  const told = `${run.outputs['reason']}\n${run.summary}`;
  claims.claim(
    'the report says why',
    wanted.every((words) => words.test(told)),
    run.outputs['reason'],
  );
  claimNoneLost(context, report);
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Deployment/checkout', 'Service/checkout']);
};

export const notReady: Suite = {
  name: 'not-ready',
  title: 'an image that never gets ready, or crashes, never gets traffic',
  alone: false,
  run: async (context) => {
    await Promise.all([
      release(context, 'never', '2.0-never', [/ready/i]),
      release(context, 'crash', '2.0-crash', [/CrashLoopBackOff/, /exit code 1|exited with 1|Error/]),
    ]);
  },
};
