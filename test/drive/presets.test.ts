import { describe, expect, test } from 'vitest';
import { objectRef } from '../../src/core/objects.ts';
import type { Target } from '../../src/core/plan.ts';
import type { Finding } from '../../src/core/reason.ts';
import type { CountedSpec, MetricSpec, PresetSpec } from '../../src/core/spec.ts';
import { type Probe, resolvePresets, whyNotSeparate } from '../../src/drive/presets.ts';
import { PRESETS } from '../../src/metrics/presets/index.ts';
import type { Preset } from '../../src/ports/preset.ts';
import { aPlan, ERRORS } from '../core/plan.ts';

const routeRef = (kind: string, name: string) =>
  objectRef({ apiVersion: 'gateway.networking.k8s.io/v1', kind, plural: `${kind.toLowerCase()}s` }, 'shop', name);

const routed = (change: Partial<Target> = {}): Target => ({
  ...aPlan().target,
  routes: [routeRef('HTTPRoute', 'checkout')],
  ...change,
});

const REPLICAS = routed({ router: 'replicas', routes: [], canaryService: null });
const GRPC = routed({ routes: [routeRef('GRPCRoute', 'checkout')] });

const asked = (change: Partial<PresetSpec> = {}): PresetSpec => ({
  kind: 'preset',
  name: 'users',
  preset: 'traefik',
  onNoData: 'wait',
  dryRun: false,
  replicaLabels: ['replica'],
  ceiling: null,
  floor: null,
  slo: null,
  bound: null,
  ...change,
});

const textOf = (metric: MetricSpec): string =>
  metric.kind === 'counted' ? metric.requests : metric.kind === 'latency' ? metric.histogram : metric.query;

/** A store that has these metrics of stable, and remembers what it was asked for. */
const storeWith = (...present: readonly RegExp[]): { readonly probe: Probe; readonly questions: MetricSpec[] } => {
  const questions: MetricSpec[] = [];
  const probe: Probe = async (metric) => {
    questions.push(metric);
    return present.some((one) => one.test(textOf(metric)));
  };
  return { probe, questions };
};

const TRAEFIK = /^traefik_service_.*-svc-/;
const resolve = (spec: PresetSpec, target: Target, ...present: readonly RegExp[]) =>
  resolvePresets([spec], PRESETS, target, storeWith(...present).probe);

const messageOf = ({ findings }: { readonly findings: readonly Finding[] }): string =>
  findings.map(({ severity, message, advice }) => `${severity}: ${message} → ${advice}`).join('\n');

describe('a preset', () => {
  test('becomes a metric of failures and one of latency', async () => {
    const { metrics, findings } = await resolve(asked(), routed(), TRAEFIK);

    expect(findings).toEqual([]);
    expect(metrics.map(({ name, kind }) => [name, kind])).toEqual([
      ['users: failures', 'counted'],
      ['users: latency', 'latency'],
    ]);
    expect(metrics[1]).toMatchObject({ unit: 's', bound: null });
  });

  test('gives its limits to the failures, its bound to the latency, and the rest to both', async () => {
    const slo = { objective: 0.999, burnRate: 14.4 };
    const spec = asked({ ceiling: 0.0144, floor: 0.001, slo, bound: 0.3, dryRun: true, onNoData: 'fail' });
    const { metrics } = await resolve(spec, routed(), TRAEFIK);

    expect(metrics[0]).toMatchObject({ ceiling: 0.0144, floor: 0.001, slo, dryRun: true, onNoData: 'fail' });
    expect(metrics[1]).toMatchObject({ ceiling: null, floor: null, slo: null, bound: 0.3, dryRun: true });
    expect(metrics[1]).toMatchObject({ onNoData: 'fail', replicaLabels: ['replica'] });
  });

  test('without a histogram in the store judges failures by its own name, and says so', async () => {
    const resolved = await resolve(asked(), routed(), /^traefik_service_requests_total/);

    expect(resolved.metrics.map(({ name }) => name)).toEqual(['users']);
    expect(messageOf(resolved)).toContain('warning: the preset `traefik` judges failures only, not latency');
    expect(messageOf(resolved)).toContain('`traefik_service_request_duration_seconds_bucket`');
  });

  test('with a bound and no histogram is refused', async () => {
    const resolved = await resolve(asked({ bound: 0.3 }), routed(), /^traefik_service_requests_total/);

    expect(messageOf(resolved)).toContain('error: the preset `traefik` judges failures only');
    expect(messageOf(resolved)).toContain('`bound` is set');
  });

  test('tries its spellings in their order and takes the first that the store has', async () => {
    const store = storeWith(/status!=""/, /_bucket/);
    const { metrics } = await resolvePresets([asked({ preset: 'http' })], PRESETS, routed(), store.probe);

    expect(metrics.map(textOf)[0]).toContain('http_requests_total{');
    expect((metrics[0] as CountedSpec).failures).toContain('status=~"5.."');
    expect(store.questions.map(textOf).map((text) => /(\w+)!=""/.exec(text)?.[1])).toEqual([
      'code',
      'status',
      undefined,
    ]);
  });

  test('that the store has nothing of is refused with what was looked for and what it needs', async () => {
    const resolved = await resolve(asked(), routed());

    expect(resolved.metrics).toEqual([]);
    expect(messageOf(resolved)).toBe(
      'error: the store has nothing of stable for the preset `traefik`; looked for `traefik_service_requests_total` → Traefik needs `metrics.prometheus.addServicesLabels` (on by default), and its pods must be scraped.',
    );
  });

  test('of several routes counts them all', async () => {
    const target = routed({ routes: [routeRef('HTTPRoute', 'checkout'), routeRef('HTTPRoute', 'checkout.mobile')] });
    const { metrics } = await resolve(asked(), target, TRAEFIK);

    for (const metric of metrics) expect(textOf(metric)).toContain('-(checkout|checkout.mobile)-gw-');
  });

  test('that nobody knows is refused with those there are', async () => {
    expect(messageOf(await resolve(asked({ preset: 'trafik' }), routed()))).toContain(
      'unknown preset `trafik`; known: `auto` `traefik` `istio`',
    );
  });
});

describe('a preset that cannot tell the arms apart', () => {
  test.each(['traefik', 'envoy-gateway', 'contour'])(
    'is refused without a question: %s by replicas',
    async (preset) => {
      const store = storeWith(/./);
      const resolved = await resolvePresets([asked({ preset })], PRESETS, REPLICAS, store.probe);

      expect(store.questions).toEqual([]);
      expect(resolved.metrics).toEqual([]);
      expect(messageOf(resolved)).toContain(
        'requests are counted by Service, and both versions are behind the Service checkout',
      );
    },
  );

  test('counts by Service where there is none', async () => {
    const worker = routed({ router: 'replicas', routes: [], service: null, canaryService: null });
    expect(messageOf(await resolve(asked(), worker))).toContain('by Service, and there is none');
  });

  test.each(['istio', 'linkerd', 'http', 'otel'])('is not %s, which counts by workload or pod', (name) => {
    const preset = PRESETS.find((one) => one.name === name) as Preset;
    expect(whyNotSeparate(preset, REPLICAS)).toBeNull();
  });

  test('by replicas leaves a mesh its series by workload', async () => {
    const { metrics } = await resolve(asked({ preset: 'istio' }), REPLICAS, /destination_workload=/);
    expect(metrics.map(textOf)[0]).toContain('reporter="source", destination_workload_namespace=');
  });

  test.each(['traefik', 'contour'])('is refused where it would have to know failed gRPC calls: %s', async (preset) => {
    const resolved = await resolve(asked({ preset }), GRPC, /./);
    expect(messageOf(resolved)).toContain('what is counted does not show which gRPC calls failed');
  });

  test('of gRPC calls is judged by their own status', async () => {
    const { metrics } = await resolve(asked({ preset: 'istio' }), GRPC, /./);
    expect((metrics[0] as CountedSpec).failures).toContain('grpc_response_status=~');
  });

  test('says which half of the requests it judges where routes of both kinds are split', async () => {
    const target = routed({ routes: [routeRef('HTTPRoute', 'checkout'), routeRef('GRPCRoute', 'checkout')] });

    expect(messageOf(await resolve(asked({ preset: 'contour' }), target, /./))).toContain(
      'warning: the preset `contour` judges the HTTP requests of these routes only',
    );
    expect(messageOf(await resolve(asked({ preset: 'linkerd' }), target, /^response_/))).toBe('');
  });

  test('is nginx, whatever the store has', async () => {
    const resolved = await resolve(asked({ preset: 'nginx' }), routed(), /./);
    expect(messageOf(resolved)).toContain('only where a canary Ingress splits the traffic');
  });

  test('is Envoy Gateway where it has one cluster for both', async () => {
    const resolved = await resolve(asked({ preset: 'envoy-gateway' }), routed(), /route\/\{\{namespace\}\}/);

    expect(resolved.findings[0]?.code).toBe('invalid-config');
    expect(messageOf(resolved)).toContain('counts all backends of a rule as one cluster');
    expect(messageOf(resolved)).toContain('mergeBackends');
  });
});

describe('`auto`', () => {
  const auto = asked({ preset: 'auto' });

  test('takes the first preset that has data, routers before applications, and says which', async () => {
    const resolved = await resolve(auto, routed(), TRAEFIK, /^http_/);

    expect(resolved.metrics.map(textOf)[0]).toMatch(TRAEFIK);
    expect(messageOf(resolved)).toContain(
      'warning: `preset: auto` found `traefik_service_requests_total` and judges by the preset `traefik`',
    );
  });

  test('passes over a preset that has data but counts both arms as one', async () => {
    const resolved = await resolve(auto, REPLICAS, TRAEFIK, /^http_/);
    expect(resolved.metrics.map(textOf)[0]).toContain('http_server_request_duration_seconds_count');
  });

  test('is named after the preset when it was given no name', async () => {
    const { metrics } = await resolve({ ...auto, name: 'auto' }, routed(), TRAEFIK);
    expect(metrics.map(({ name }) => name)).toEqual(['traefik: failures', 'traefik: latency']);
  });

  test('that finds nothing lists what it looked for, and what could not tell the versions apart', async () => {
    const resolved = await resolve(auto, REPLICAS, /^nginx_/);

    expect(resolved.metrics).toEqual([]);
    expect(resolved.findings).toHaveLength(1);
    expect(messageOf(resolved)).toContain('looked for `istio_requests_total`, `response_total`, `http_server_');
    expect(messageOf(resolved)).toContain('`traefik`, `envoy-gateway`, `contour`: requests are counted by Service');
    expect(messageOf(resolved)).toContain('`nginx`: ingress-nginx counts by Ingress');
  });

  test('does not speak of nginx where the store has nothing of it', async () => {
    expect(messageOf(await resolve(auto, routed()))).not.toContain('nginx');
  });
});

describe('several metrics', () => {
  test('keep their order, and those that are no preset stay as they are', async () => {
    const { metrics } = await resolvePresets([ERRORS, asked()], PRESETS, routed(), storeWith(TRAEFIK).probe);

    expect(metrics[0]).toBe(ERRORS);
    expect(metrics.map(({ name }) => name)).toEqual(['errors', 'users: failures', 'users: latency']);
  });

  test('that end up with one name are refused', async () => {
    const clash = { ...ERRORS, name: 'users: failures' };
    const resolved = await resolvePresets([clash, asked()], PRESETS, routed(), storeWith(TRAEFIK).probe);

    expect(resolved.findings).toMatchObject([
      { severity: 'error', code: 'invalid-config', where: 'metric "users: failures"' },
    ]);
  });

  test('without a preset ask nothing', async () => {
    const store = storeWith();
    expect(await resolvePresets([ERRORS], PRESETS, routed(), store.probe)).toEqual({ metrics: [ERRORS], findings: [] });
    expect(store.questions).toEqual([]);
  });

  test('take a finding that there is no such metric for a no', async () => {
    const missing = (metric: MetricSpec): Finding => ({
      severity: 'error',
      code: 'metric-not-found',
      where: `metric "${metric.name}"`,
      message: 'There is no metric.',
      advice: null,
    });
    const probe: Probe = async (metric) => textOf(metric).startsWith('http_server_request') || missing(metric);
    const { metrics } = await resolvePresets([asked({ preset: 'auto' })], PRESETS, routed(), probe);

    expect(metrics.map(textOf)[0]).toContain('http_server_request_duration_seconds_count');
  });

  test('are not asked for any more once the store does not answer', async () => {
    const down: Finding = {
      severity: 'error',
      code: 'metrics-unreachable',
      where: 'prometheus',
      message: 'no answer',
      advice: null,
    };
    let questions = 0;
    const probe: Probe = async () => {
      questions += 1;
      return down;
    };
    const { findings } = await resolvePresets([asked(), asked({ preset: 'auto' })], PRESETS, routed(), probe);

    expect(findings).toEqual([down]);
    expect(questions).toBe(1);
  });
});
