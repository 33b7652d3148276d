import { describe, expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubeObject, Request } from '../../src/core/objects.ts';
import { fieldsOf, listOf } from '../../src/core/shape.ts';
import { jobWatchdog as watchdogFor } from '../../src/watchdog/index.ts';
import { aJob, aPlan, jobFor, jobWatchdog, orders, podOrders, STATE_UID, seenWith } from './orders.ts';
import { asKubelet, expand } from './pod.ts';

const verbs = (requests: readonly Request[]): readonly string[] =>
  requests.map(({ verb, ref }) => `${verb} ${ref.kind}`);

describe('the Job', () => {
  test('of two routes', async () => {
    await expect(stringify(jobFor(), { lineWidth: 0 })).toMatchFileSnapshot('golden/job.yaml');
  });

  test('gives the container the patches as they were planned', () => {
    const { args } = asKubelet(jobFor());

    expect(args[0]).toBe('watchdog');
    expect(args.slice(1, 4)).toEqual([
      'httproutes.v1.gateway.networking.k8s.io',
      'checkout',
      expect.stringMatching(/^\{\.metadata\.annotations\.canary-rollout\\\.github\\\.io\/way-back-[0-9a-f]{10}\}$/),
    ]);
    expect(JSON.parse(args[4] ?? '')).toEqual(orders().returns[0]?.body);
    expect(JSON.parse(args[8] ?? '')).toEqual(orders().returns[1]?.body);
    expect(args).toHaveLength(9);
  });

  test('reads the mark of a Deployment from its labels, and has no last resort there', () => {
    const { args, env } = asKubelet(jobFor(podOrders()));

    expect(args.slice(1, 4)).toEqual(['deployments.v1.apps', 'checkout-canary', expect.stringContaining('.labels.')]);
    expect(env['LAST_NAME']).toBe('');
  });

  test('hands over what Kubernetes would expand or a shell would run, letter by letter', () => {
    const hostile = `$(STORE) $$ \${HOME} $(reboot) \`reboot\` "; reboot; '`;
    const [first] = orders().returns;
    const nasty: Request[] = first === undefined ? [] : [{ ...first, body: [hostile] }];
    const { args, env } = asKubelet(
      jobFor(orders({ returns: nasty, lastResort: { ...(nasty[0] as Request), body: [hostile] } })),
    );

    expect(JSON.parse(args[4] ?? '')).toEqual([hostile]);
    expect(JSON.parse(env['LAST_PATCH'] ?? '')).toEqual([hostile]);
  });

  test('runs a script that Kubernetes does not change', () => {
    const job = jobFor();
    const { command, script, env } = asKubelet(job);

    expect(command.slice(0, 2)).toEqual(['sh', '-c']);
    expect(expand(script, env)).toBe(script);
  });

  test('lives longer than the rollout and its hold may', () => {
    const { timings, conduct } = orders().plan;

    expect(Number(fieldsOf(jobFor()['spec'])['activeDeadlineSeconds']) * 1000).toBeGreaterThan(
      timings.timeoutMs + conduct.holdMs,
    );
  });

  test('of a Deployment with the longest name still has a name that fits a label', () => {
    const plan = aPlan();
    const target = { ...plan.target, deployment: `a${'b'.repeat(252)}` };

    expect(jobWatchdog.ref(target).name.length).toBeLessThanOrEqual(63);
    expect(jobWatchdog.ref(target).name).not.toBe(
      jobWatchdog.ref({ ...target, deployment: `a${'b'.repeat(251)}c` }).name,
    );
  });

  test('has image and account from the inputs of the job that starts it, never from a saved plan', () => {
    const plan = aPlan({ watchdog: { image: 'evil', serviceAccount: 'admin', afterMs: 30_000 } });
    const text = JSON.stringify(jobWatchdog.creation(orders({ plan }), STATE_UID));

    expect(text).toContain('example.com/tools@sha256:0123');
    expect(text).not.toMatch(/evil|admin/);
    expect(watchdogFor(null).start(seenWith(null), orders({ plan }))).toEqual([]);
  });

  test('is none where no watchdog is asked for', () => {
    const plan = aPlan({ watchdog: null });

    expect(jobWatchdog.creation(orders({ plan }), STATE_UID)).toEqual([]);
    expect(jobWatchdog.start(seenWith(null), orders({ plan }))).toEqual([]);
    expect(jobWatchdog.role(plan)).toBeNull();
  });
});

describe('starting and removing it', () => {
  test('creates the Job once', () => {
    expect(verbs(jobWatchdog.start(seenWith(null), orders()))).toEqual(['create Job']);
    expect(jobWatchdog.start(seenWith(aJob({ ready: 1 })), orders())).toEqual([]);
    expect(jobWatchdog.start(seenWith(aJob()), orders())).toEqual([]);
  });

  test('has nothing to own it before the state is there', () => {
    expect(jobWatchdog.start(seenWith(null, null), orders())).toEqual([]);
  });

  test('replaces a dead one, and one that an earlier rollout left', () => {
    const failed = aJob({ conditions: [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded' }] });
    const earlier = aJob(
      { ready: 1 },
      { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'old' }] },
    );

    for (const job of [failed, earlier])
      expect(jobWatchdog.start(seenWith(job), orders())).toMatchObject([
        {
          verb: 'delete',
          body: { preconditions: { uid: 'job-uid', resourceVersion: '7' }, propagationPolicy: 'Background' },
        },
        { verb: 'create' },
      ]);
  });

  test('waits for one that is going already: the name is taken until it is gone', () => {
    const going = aJob({}, { deletionTimestamp: '2026-11-21T12:00:00Z' });

    expect(verbs(jobWatchdog.start(seenWith(going), orders()))).toEqual(['create Job']);
    expect(jobWatchdog.remove(seenWith(going), aPlan().target)).toEqual([]);
  });

  test("never deletes somebody else's Job of that name", () => {
    const theirs = aJob({}, { labels: {} });

    expect(verbs(jobWatchdog.start(seenWith(theirs), orders()))).toEqual(['create Job']);
    expect(jobWatchdog.remove(seenWith(theirs), aPlan().target)).toEqual([]);
  });

  test('removes it once', () => {
    expect(verbs(jobWatchdog.remove(seenWith(aJob()), aPlan().target))).toEqual(['delete Job']);
    expect(jobWatchdog.remove(seenWith(null), aPlan().target)).toEqual([]);
  });
});

describe('its health', () => {
  const health = (job: KubeObject | null) => jobWatchdog.health(seenWith(job), aPlan().target);
  const condition = (type: string, text: object = {}) => aJob({ conditions: [{ type, status: 'True', ...text }] });

  test.each([
    ['no Job', null, { kind: 'absent' }],
    ['a ready pod', aJob({ active: 1, ready: 1 }), { kind: 'alive' }],
    ['a pod that is not ready', aJob({ active: 1, ready: 0 }), { kind: 'unready' }],
    ['no status yet', aJob(), { kind: 'unready' }],
    ['a status of no known form', aJob({ conditions: 'Failed', ready: 'yes' }), { kind: 'unready' }],
    [
      'a condition that does not hold',
      aJob({ conditions: [{ type: 'Failed', status: 'False' }] }),
      { kind: 'unready' },
    ],
    [
      'a Job that failed',
      condition('Failed', { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }),
      { kind: 'dead', reason: 'BackoffLimitExceeded: Job has reached the specified backoff limit' },
    ],
    ['a Job that failed without a word', condition('Failed'), { kind: 'dead', reason: 'the Job failed' }],
    ['a Job that is complete', condition('Complete'), { kind: 'dead', reason: 'it ended by itself' }],
    [
      'a Job that is being deleted',
      aJob({ ready: 1 }, { deletionTimestamp: '2026-11-21T12:00:00Z' }),
      { kind: 'absent' },
    ],
    ["somebody else's Job", aJob({ ready: 1 }, { labels: {} }), { kind: 'absent' }],
  ])('%s', (_what, job, expected) => {
    expect(health(job)).toEqual(expected);
  });
});

describe('the Role', () => {
  test('of two routes', async () => {
    await expect(jobWatchdog.role(aPlan())).toMatchFileSnapshot('golden/role.yaml');
  });

  test('of pods', async () => {
    await expect(jobWatchdog.role(podOrders().plan)).toMatchFileSnapshot('golden/role-replicas.yaml');
  });

  test('allows exactly the objects and verbs that the script uses', () => {
    const [role] = parseAllDocuments(jobWatchdog.role(aPlan()) ?? '').map((document): unknown => document.toJS());
    const allowed = listOf(fieldsOf(role)['rules']).map((rule) => JSON.stringify(rule));
    const { args, env } = asKubelet(jobFor());
    const used = [1, 5].map((at) => {
      const [resource = '', , ...group] = (args[at] ?? '').split('.');
      return [group.join('.'), resource, args[at + 1], ['get', 'patch']] as const;
    });
    const expected = [
      ['coordination.k8s.io', 'leases', env['STORE'], ['get']] as const,
      ['', 'configmaps', env['STORE'], ['get']] as const,
      ...used,
      ['', 'services', env['LAST_NAME'], ['get', 'patch']] as const,
    ].map(([group, resource, name, can]) =>
      JSON.stringify({ apiGroups: [group], resources: [resource], resourceNames: [name], verbs: can }),
    );

    expect(allowed).toEqual(expected);
  });
});
