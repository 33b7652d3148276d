import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openCase } from '../harness/case.ts';
import { at, listAt, textAt } from '../harness/json.ts';
import { deployment, httpRoute, service } from '../harness/objects.ts';
import type { Suite } from '../harness/suite.ts';
import { API_URL, PROMETHEUS_URL } from '../stack/settings.ts';

/** Its users are what the metrics store is asked about. */
const NAMESPACE = 'measured';

const E2E = join(import.meta.dirname, '..');
const VITEST = join(E2E, '../node_modules/vitest/vitest.mjs');

/** Runs the rules with vitest and gives its report; a test that fails is in the report. */
const report = async (folder: string, entrance: object): Promise<unknown> => {
  const files = { entrance: join(folder, 'entrance.json'), report: join(folder, 'conformance.json') };
  fs.writeFileSync(files.entrance, JSON.stringify(entrance), { mode: 0o600 });
  const args = ['run', '--root', E2E, '--dir', join(E2E, 'conformance'), '--testTimeout', '60000'];
  const env = { ...process.env, CANARY_E2E_ENTRANCE: files.entrance };
  const output = ['--reporter', 'json', '--outputFile', files.report];
  const said = await promisify(execFile)(process.execPath, [VITEST, ...args, ...output], { env }).catch(String);
  if (!fs.existsSync(files.report)) throw new Error(`vitest gave no report: ${JSON.stringify(said)}`);
  return JSON.parse(fs.readFileSync(files.report, 'utf8'));
};

export const conformance: Suite = {
  name: 'conformance',
  title: 'API server and metrics store keep the rules that the sandbox keeps',
  alone: false,
  run: async (context) => {
    const { claims, stack } = context;
    const route = httpRoute(NAMESPACE, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]);
    const app = deployment({ namespace: NAMESPACE, name: 'checkout', version: '1.0-bad5' });
    const objects = [app, service(NAMESPACE, 'checkout'), route];
    const { traffic } = await openCase(context, { namespace: NAMESPACE, objects, rps: 60 });
    const metrics = { url: PROMETHEUS_URL, namespace: NAMESPACE, scrapeIntervalMs: 1000 };
    const server = { url: API_URL, ca: stack.certificate, token: stack.token };
    const results = await report(stack.folders.run, { ...server, metrics });
    await traffic.end();
    const tests = listAt(results, 'testResults').flatMap((file) => listAt(file, 'assertionResults'));
    const broken = tests.filter((one) => at(one, 'status') !== 'passed');
    for (const one of broken)
      claims.claim(textAt(one, 'fullName'), false, at(one, 'failureMessages') ?? at(one, 'status'));
    const kept = tests.length - broken.length;
    claims.claim('the real ones keep the rules', broken.length === 0 && kept > 0, `${kept} of ${tests.length} rules`);
  },
};
