import { existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'vitest';
import type { KubeObject } from '../../sandbox/cluster/objects.ts';
import type { Call } from '../../sandbox/cluster/requests.ts';
import type { Sandbox, SandboxOptions } from '../../sandbox/index.ts';
import { startSandbox } from '../../sandbox/index.ts';
import type { RunOptions, RunResult } from '../../sandbox/runner/index.ts';
import type { ShopOptions as AppOptions } from '../../sandbox/shop.ts';
import { shopObjects } from '../../sandbox/shop.ts';

/** What users run. The variable names another build of it, for quick turns while something is being written. */
const BUNDLE = resolve(import.meta.dirname, '../..', process.env['ACCEPTANCE_BUNDLE'] ?? 'dist/index.js');
const ACTION = resolve(import.meta.dirname, '../../action.yml');

export const HEAD = 'f3a91c2b7d4e5f60718293a4b5c6d7e8f9012345';
export const STABLE = 'registry.example/checkout:1.4.1';
export const GOOD = 'registry.example/checkout:1.4.2';
export const BAD = 'registry.example/checkout:1.5.0-bad50';

export type Inputs = Readonly<Record<string, string>>;

interface Metric {
  readonly name: string;
  readonly verdict: string;
  readonly canary: number | null;
  readonly stable: number | null;
  readonly explanation: string;
}

/** The output `result`, as far as the tests look into it (design §1.3). */
export interface Result {
  readonly schemaVersion: number;
  readonly status: string;
  readonly reasonCode: string;
  readonly reason: string;
  readonly rollout: { readonly id: string; readonly startedAt: string; readonly finishedAt: string } | null;
  readonly steps: readonly {
    readonly weight: number;
    /** ISO 8601 */
    readonly startedAt: string;
    readonly endedAt: string;
    readonly verdict: string;
    readonly observedShare: number | null;
    readonly metrics: readonly Metric[];
  }[];
  readonly harm: { readonly canaryRequests: number | null; readonly canaryFailures: number | null };
  readonly warnings: readonly string[];
}

export interface Release extends RunResult {
  readonly result: Result;
  /** The file that `report-path` names. */
  readonly report: string;
  /** Everything that a person can come to read: log, summary, report, annotations, outputs. */
  readonly everything: string;
}

export interface Shop extends Sandbox {
  /** One run of the action. Whatever its case, it must mask, keep to GitHub's contract and end by itself. */
  release(inputs?: Inputs, options?: Partial<RunOptions>): Promise<Release>;
  /** What a rollout has left: objects of its own and marks. Pods and ReplicaSets go in the collector's own time. */
  remains(): string[];
  object(kind: keyof typeof KINDS, name: string): KubeObject;
}

export interface ShopOptions extends SandboxOptions {
  readonly app?: AppOptions;
  /** Instead of the usual shop. */
  readonly objects?: readonly object[];
  /** Requests a second of users; none when absent. */
  readonly rps?: number;
  readonly target?: string;
  /** Whether runs have their post step, as on a runner; without it they take half of the time. */
  readonly post?: boolean;
}

const KINDS = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  Pod: 'v1',
  Service: 'v1',
  ConfigMap: 'v1',
  Lease: 'coordination.k8s.io/v1',
  HTTPRoute: 'gateway.networking.k8s.io/v1',
} as const;

// A pod ends later than the data plane hears of it, as everywhere.
const PACE = { startDelayMs: 100, stopDelayMs: 300 } as const;

export const INPUTS: Inputs = {
  deployment: 'checkout',
  namespace: 'shop',
  route: 'httproute/checkout',
  image: GOOD,
  weights: '50',
  interval: '1s',
  drain: '1s',
  comment: 'false',
  'commit-status': 'false',
};

const remains = ({ cluster }: Sandbox): string[] =>
  Object.entries(KINDS).flatMap(([kind, apiVersion]) =>
    cluster.list(apiVersion, kind, 'shop').flatMap(({ metadata }) => {
      const marks = Object.keys({ ...metadata.labels, ...metadata.annotations }).filter((key) =>
        key.startsWith('canary-rollout.github.io/'),
      );
      const own = metadata.name.includes('canary') ? [`${kind} ${metadata.name}`] : [];
      return [...own, ...marks.map((mark) => `${mark} on ${kind} ${metadata.name}`)];
    }),
  );

const resultOf = (text: string | undefined): Result => JSON.parse(text ?? 'null') as Result;

/** Raw, so that the masks of the runner hide nothing from the tests. */
const rawLines = ({ stdout }: { readonly stdout: string }): string[] =>
  stdout.split('\n').filter((line) => !line.startsWith('::add-mask::'));

const textOf = (result: RunResult): string =>
  [
    ...rawLines(result),
    ...(result.post === null ? [] : rawLines(result.post)),
    result.summary,
    result.post?.summary ?? '',
    ...result.annotations.map((annotation) => JSON.stringify(annotation)),
    ...Object.values(result.outputs),
  ].join('\n');

const finished = (shop: Sandbox, result: RunResult): Release => {
  const path = result.outputs['report-path'] ?? '';
  const report = path !== '' && existsSync(path) ? readFileSync(path, 'utf8') : '';
  rmSync(result.temp, { recursive: true, force: true });
  expect([result.leaks, result.post?.leaks ?? []], 'masked values shown').toEqual([[], []]);
  expect(shop.github.violations, "GitHub's contract").toEqual([]);
  expect([result.timedOut, result.post?.timedOut ?? false], 'had to be ended').toEqual([false, false]);
  expect(`${result.stdout}\n${result.post?.stdout ?? ''}`).not.toMatch(/internal error|UnhandledPromise/);
  const everything = `${textOf(result)}\n${report}`;
  return { ...result, result: resultOf(result.outputs['result']), report, everything };
};

/** Ready, and known to the gateway. */
const readyForTraffic = async (sandbox: Sandbox, replicas: number): Promise<void> => {
  await sandbox.ready('shop', 'checkout');
  const { endpoints, rules } = sandbox.cluster.dataPlane;
  const known = (): boolean => rules.size > 0 && endpoints.get('shop/checkout')?.length === replicas;
  await sandbox.until('the gateway', known);
};

export const openShop = async (options: ShopOptions = {}): Promise<Shop> => {
  const sandbox = await startSandbox({
    ...options,
    pace: { ...PACE, ...options.pace },
    prometheus: { scrapeIntervalMs: 200, ...options.prometheus },
  });
  sandbox.cluster.apply(options.objects ?? shopObjects(options.app));
  if (options.objects === undefined) await readyForTraffic(sandbox, options.app?.replicas ?? 3);
  if (options.rps !== undefined) {
    sandbox.traffic.start({ rps: options.rps, target: options.target ?? 'httproute/checkout' });
    await sandbox.measured();
  }
  return {
    ...sandbox,
    remains: () => remains(sandbox),
    object: (kind, name) => {
      const found = sandbox.cluster.get(KINDS[kind], kind, 'shop', name);
      if (found === null) throw new Error(`${kind} ${name} is not there`);
      return found;
    },
    release: async (inputs = {}, run = {}) => {
      const given = { ...INPUTS, prometheus: sandbox.prometheus.url, ...inputs };
      const skipPost = options.post !== true;
      return finished(
        sandbox,
        await sandbox.run({ bundle: BUNDLE, actionFile: ACTION, skipPost, ...run, inputs: given }),
      );
    },
  };
};

/** A test's body in a shop of its own, which is closed whatever happens. */
export const inShop =
  (options: ShopOptions, body: (shop: Shop) => Promise<void>): (() => Promise<void>) =>
  async () => {
    const shop = await openShop(options);
    try {
      await body(shop);
    } finally {
      await shop.stop();
    }
  };

/** Nothing was written: the run ended before it touched anything. */
export const expectUntouched = (shop: Shop): void => {
  expect(shop.cluster.writes().map(({ verb, resource, name }) => `${verb} ${resource} ${name}`)).toEqual([]);
  expect(shop.remains()).toEqual([]);
};

export const expectRejected = (shop: Shop, release: Release, code: string): void => {
  expect(release.outputs, release.stdout).toMatchObject({ status: 'rejected', 'reason-code': code });
  expect(release.code).toBe(1);
  expectUntouched(shop);
};

/** Everything of the rollout is gone: at once, but for what the collector takes away in its own time. */
export const expectClean = async (shop: Shop): Promise<void> => {
  const atOnce = shop.remains().filter((text) => !/(^| on )(Pod|ReplicaSet) /.test(text));
  expect(atOnce).toEqual([]);
  await shop.until('the collector', () => shop.remains().length === 0);
};

export interface Operation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

export const operationsOf = ({ body }: Call): readonly Operation[] =>
  Array.isArray(body) ? (body as unknown as readonly Operation[]) : [];

/** The weights of backends that a patch of a route sets. */
export const weightsIn = (call: Call): readonly Operation[] =>
  operationsOf(call).filter(({ op, path }) => op !== 'test' && path.endsWith('/weight'));

export const of = (calls: readonly Call[], verb: string, resource: string): Call[] =>
  calls.filter((call) => call.verb === verb && call.resource === resource && !call.dryRun);

export const specOf = (object: KubeObject): unknown => structuredClone(object.spec);

/** Runs the body as soon as a line of the log says so. */
export const when = (pattern: RegExp, act: () => void): ((line: string) => void) =>
  (() => {
    const state = { done: false };
    return (line: string): void => {
      if (state.done || !pattern.test(line)) return;
      state.done = true;
      act();
    };
  })();

/** Markdown without its fenced blocks, as CommonMark delimits them. */
export const outsideFences = (markdown: string): string => {
  const state = { fence: '' };
  return markdown
    .split('\n')
    .filter((line) => {
      const [, run = ''] = /^ {0,3}(`{3,})/.exec(line) ?? [];
      if (state.fence === '') {
        state.fence = run;
        return run === '';
      }
      if (run.length >= state.fence.length && line.trim() === run) state.fence = '';
      return false;
    })
    .join('\n');
};
