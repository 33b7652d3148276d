import { claimNoneLost, claimPromoted, claimRestored, claimStatus, openCase, runAction } from '../harness/case.ts';
import { listAt, numberAt, textAt } from '../harness/json.ts';
import { deployment, httpRoute, imageOf, service } from '../harness/objects.ts';
import { type Context, releaseInputs } from '../harness/shop.ts';
import type { Suite } from '../harness/suite.ts';

const BAD = '2.0-bad20';

const presetMetrics = (preset: string): string => `
- name: users
  preset: ${preset}
`;

const openOne = async (context: Context, namespace: string) => {
  const route = httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
  const objects = [deployment({ namespace, name: 'checkout', version: '1.0' }), service(namespace, 'checkout'), route];
  return openCase(context, { namespace, objects, rps: 200 });
};

const metricsOf = (result: unknown): readonly unknown[] =>
  listAt(result, 'steps').flatMap((step) => listAt(step, 'metrics'));

const namesOf = (result: unknown): string =>
  [...new Set(metricsOf(result).map((metric) => textAt(metric, 'name')))].sort().join(', ');

/** Canary requests that the counters of Traefik showed in all steps. */
const countedOf = (result: unknown): number =>
  metricsOf(result)
    .filter((metric) => textAt(metric, 'name') === 'users: failures')
    .reduce<number>((sum, metric) => sum + numberAt(metric, 'requests', 'canary'), 0);

const good = async (context: Context, namespace: string): Promise<void> => {
  const opened = await openOne(context, namespace);
  const image = imageOf('checkout', '2.0');
  const inputs = { ...releaseInputs(opened.shop, image, 'checkout'), metrics: presetMetrics('traefik') };
  const run = await runAction(context, inputs);
  const report = await opened.traffic.end();

  claimStatus(context, run, 'promoted', 'completed', 0);
  const names = namesOf(run.result);
  context.claims.claim(
    'the preset judges failures and latency',
    names === 'users: failures, users: latency',
    `metrics: ${names}`,
  );
  const answered = opened.traffic.answers.filter(({ version }) => version === '2.0').length;
  const counted = countedOf(run.result);
  context.claims.claim(
    "Traefik's counters show the canary's requests, and no others",
    counted > 0 && counted <= answered,
    `${counted} judged, ${answered} answered by the canary and the promoted version`,
  );
  claimNoneLost(context, report);
  await claimPromoted(context, opened, 'checkout', image);
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Service/checkout']);
};

const bad = async (context: Context, namespace: string): Promise<void> => {
  const opened = await openOne(context, namespace);
  const inputs = {
    ...releaseInputs(opened.shop, imageOf('checkout', BAD), 'checkout'),
    metrics: presetMetrics('auto'),
    interval: '30s',
  };
  const run = await runAction(context, inputs);
  const report = await opened.traffic.end();

  claimStatus(context, run, 'rolled-back', 'metric-failed', 1);
  const failed = run.outputs['failed-metric'];
  context.claims.claim('the failed metric is that of the preset', failed === 'users: failures', failed);
  const warnings = listAt(run.result, 'warnings').map(String);
  const told = warnings.some((text) => text.includes('judges by the preset `traefik`'));
  context.claims.claim('the report says what `auto` found', told, warnings);
  context.claims.note('requests harmed', `${report.versions[BAD]?.non2xx ?? 0}`);
  await claimRestored(context, opened, ['HTTPRoute/checkout', 'Deployment/checkout', 'Service/checkout']);
};

export const presets: Suite = {
  name: 'presets',
  title: "Traefik's own counters, by name and found by `auto`, promote a good release and roll a bad one back",
  alone: false,
  run: async (context) => {
    for (let turn = 1; turn <= (context.full ? 5 : 1); turn += 1) {
      await good(context, `presets-good-${turn}`);
      await bad(context, `presets-bad-${turn}`);
    }
  },
};
