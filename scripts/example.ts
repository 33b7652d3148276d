// Runs the workflows that users copy under act, offline: no container, the sandbox in place of cluster and GitHub.
// `node scripts/example.ts PATH-OF-ACT`
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSandbox } from '../sandbox/index.ts';
import { shopObjects } from '../sandbox/shop.ts';

const root = join(import.meta.dirname, '..');
const REPOSITORY = 'acme/checkout';
const LIMIT_MS = 180_000;

interface Ran {
  readonly code: number | null;
  readonly text: string;
}

type Sandbox = Awaited<ReturnType<typeof startSandbox>>;

/** act keeps its folders out of the checkout and of the user's home; secrets come by environment, never as arguments. */
const act = (sandbox: Sandbox, home: string, workflow: string, ...options: readonly string[]): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const [program = 'act'] = process.argv.slice(2);
    const given = [
      ['workflow_dispatch', '-W', `.github/workflows/${workflow}`, '-P', 'ubuntu-latest=-self-hosted'],
      ['--no-cache-server', '--env', `GITHUB_API_URL=${sandbox.github.url}`],
      ['--env', `GITHUB_REPOSITORY=${REPOSITORY}`, '-s', 'KUBECONFIG', '-s', 'GITHUB_TOKEN'],
    ].flat();
    const child = spawn(program, [...given, ...options], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LIMIT_MS,
      env: {
        ...process.env,
        HOME: home,
        XDG_CACHE_HOME: join(home, 'cache'),
        XDG_CONFIG_HOME: join(home, 'config'),
        KUBECONFIG: readFileSync(sandbox.kubeconfigPath, 'utf8'),
        GITHUB_TOKEN: sandbox.github.token,
      },
    });
    const parts: string[] = [];
    const keep = (chunk: Buffer): void => {
      parts.push(chunk.toString());
      process.stdout.write(chunk);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, text: parts.join('') }));
  });

const claims: boolean[] = [];
const claim = (what: string, holds: boolean): void => {
  claims.push(holds);
  console.log(`${holds ? 'passed' : 'FAILED'}: ${what}`);
};

const imageOf = (sandbox: Sandbox): string =>
  JSON.stringify(sandbox.cluster.get('apps/v1', 'Deployment', 'shop', 'checkout')?.spec ?? null);

const home = mkdtempSync(join(tmpdir(), 'canary-rollout-act-'));
const sandbox = await startSandbox({ github: { repository: REPOSITORY } });
try {
  sandbox.cluster.apply(shopObjects());
  await sandbox.ready('shop', 'checkout');
  sandbox.traffic.start({ rps: 200, target: 'httproute/checkout', namespace: 'shop' });
  await sandbox.measured();

  const before = sandbox.cluster.writes().length;
  const plan = await act(sandbox, home, 'manual-release.yml', '--input', 'image=registry.example/checkout:1.4.2');
  claim('manual release, plan only: the job succeeds', plan.code === 0);
  claim('manual release, plan only: nothing is written', sandbox.cluster.writes().length === before);

  const good = [
    ['--input', 'image=registry.example/checkout:1.4.2'],
    ['--var', 'CANARY_INTERVAL=2s'],
  ].flat();
  const release = await act(sandbox, home, 'example-release.yml', ...good);
  claim('example release: the job succeeds', release.code === 0);
  claim('example release: its last step has the status', / \| promoted - /.test(release.text));
  claim('example release: stable runs the new image', imageOf(sandbox).includes('checkout:1.4.2'));
  claim('example release: no token is in the log', !release.text.includes(sandbox.cluster.adminToken));

  const wrong = [
    ['--input', 'image=registry.example/checkout:1.4.3'],
    ['--var', 'CANARY_INTERVAL=60'],
  ].flat();
  const refused = await act(sandbox, home, 'example-release.yml', ...wrong);
  claim('an interval without a unit: the job fails', refused.code === 1);
  claim('an interval without a unit: the status says rejected', / \| rejected - /.test(refused.text));
  claim('requests to GitHub fit its contract', sandbox.github.violations.length === 0);
} finally {
  await sandbox.stop();
  rmSync(home, { recursive: true, force: true });
}
const failed = claims.filter((holds) => !holds).length;
console.log(`${claims.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
