// `npm run demo`: two releases of shop/checkout in the sandbox, a good one and one that fails 5 % of its requests, run by
// the shipped dist/ as a GitHub runner would. No account, no cluster; everything listens on 127.0.0.1 and ends with it.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { pullRequestEvent } from './github/events.ts';
import type { Sandbox } from './index.ts';
import { startSandbox } from './index.ts';
import type { RunResult } from './runner/index.ts';
import { ERRORS_METRIC, shopObjects } from './shop.ts';

const ROOT = resolve(import.meta.dirname, '..');
const BUNDLE = join(ROOT, 'dist', 'index.js');
const REPORTS = join(ROOT, 'demo-reports');
const HEAD = 'f3a91c2b7d4e5f60718293a4b5c6d7e8f9012345';
const RPS = 100;

const INPUTS = {
  deployment: 'checkout',
  namespace: 'shop',
  route: 'httproute/checkout',
  weights: '5, 20, 50',
  interval: '4s',
  drain: '2s',
  prometheus: 'service://monitoring/prometheus:9090',
  metrics: ERRORS_METRIC,
  'fail-on-rollback': 'false',
} as const;

interface Release {
  readonly name: string;
  readonly title: string;
  readonly image: string;
}

const RELEASES: readonly Release[] = [
  { name: 'good', title: 'a good release', image: 'registry.example/checkout:1.4.2' },
  { name: 'failing', title: 'a release that fails 5 % of its requests', image: 'registry.example/checkout:1.5.0-bad5' },
];

const say = (line = ''): void => console.log(line);

const write = (file: string, text: string): string => {
  const path = join(REPORTS, file);
  writeFileSync(path, text);
  return relative(process.cwd(), path);
};

/** What users went through while the release ran, counted by who sent the requests. */
const usersSay = (sandbox: Sandbox, since: number): string => {
  const records = sandbox.traffic.records.filter(({ at }) => at >= since);
  const lost = records.filter(({ lost: why }) => why !== null).length;
  const failed = records.filter(({ code, lost: why }) => why === null && code >= 500).length;
  return `${records.length} requests by users: ${failed} answered 5xx by a version, ${lost} lost by the rollout`;
};

const reports = (sandbox: Sandbox, name: string, result: RunResult): string[] => [
  write(`${name}-summary.md`, result.summary),
  ...sandbox.github.comments.slice(-1).map(({ body }) => write(`${name}-comment.md`, body)),
];

const release = async (sandbox: Sandbox, { name, title, image }: Release): Promise<string[]> => {
  say(`\n━━ ${title}: ${image} ━━`);
  const since = Date.now();
  const result = await sandbox.run({
    bundle: BUNDLE,
    inputs: { ...INPUTS, image },
    event: pullRequestEvent({ number: 7, headSha: HEAD }),
    onLine: say,
  });
  say(`\nstatus ${result.outputs['status']} (exit ${result.code}) after ${Math.round(result.durationMs / 1000)} s`);
  say(`${usersSay(sandbox, since)}`);
  const [status] = sandbox.github.statuses.slice(-1);
  if (status !== undefined) say(`commit status: ${status.state}, ${status.description}`);
  for (const violation of sandbox.github.violations) say(`GitHub's contract: ${violation}`);
  return reports(sandbox, name, result);
};

const demo = async (): Promise<void> => {
  if (!existsSync(BUNDLE)) throw new Error('dist/index.js is missing: npm run build');
  mkdirSync(REPORTS, { recursive: true });
  const sandbox = await startSandbox({ github: { pulls: [{ number: 7, headSha: HEAD }] } });
  try {
    sandbox.cluster.apply(shopObjects());
    await sandbox.ready('shop', 'checkout');
    sandbox.traffic.start({ rps: RPS, target: 'httproute/checkout' });
    say(`shop/checkout runs 1.4.1 on three pods, ${RPS} requests a second reach it through HTTPRoute shop/checkout`);
    await sandbox.measured();
    const written: string[] = [];
    for (const each of RELEASES) written.push(...(await release(sandbox, each)));
    say('\nThe reports as GitHub would show them:');
    for (const path of written) say(`  ${path}`);
  } finally {
    await sandbox.stop();
  }
};

await demo();
