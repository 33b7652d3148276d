import { BlockList, isIP } from 'node:net';
import type { KubeObject } from '../../core/objects.ts';
import type { ScrapeSpec } from '../../core/spec.ts';
import { ok, problem, type Result } from '../../core/units.ts';

/** Where a pod shows its metrics. */
export interface Endpoint {
  /** The pod's uid: a pod of the same name may follow it. */
  readonly id: string;
  readonly namespace: string;
  readonly pod: string;
  /** The container that has the port, or the first one; '' where it cannot be told. */
  readonly container: string;
  /** null: none yet, or one that is never asked directly. */
  readonly ip: string | null;
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** Begins with a slash and stays below the pod: no `..`. */
  readonly path: string;
}

/** Its processes have ended: nobody answers any more. */
export const hasEnded = (pod: KubeObject): boolean =>
  ['Succeeded', 'Failed'].includes(text(fields(pod['status'])['phase']));

/** Where to read a pod, by its own annotations or by a port that the user named. The problem is a sentence that names the pod. */
export const endpointOf = (pod: KubeObject, spec: ScrapeSpec): Result<Endpoint, string> => {
  const { metadata } = pod;
  const ports = portsOf(pod);
  const asked = spec.kind === 'port' ? ok({ ...spec, scheme: 'http' }) : askedByAnnotations(pod, ports);
  if (!asked.ok) return asked;
  const { port: wanted, path, scheme } = asked.value;
  const found = /^\d+$/.test(wanted) ? Number(wanted) : (ports.find(({ name }) => name === wanted)?.port ?? null);
  if (found === null) return problem(`Pod ${metadata.name} has no container port named "${wanted}"${portText(ports)}.`);
  if (found < 1 || found > 65_535) return problem(`Pod ${metadata.name}: ${short(wanted)} is no port.`);
  if (scheme !== 'http' && scheme !== 'https')
    return problem(`Pod ${metadata.name}: "${short(scheme)}" is no scheme; http and https are known.`);
  if (!isPlainPath(path)) return problem(`Pod ${metadata.name}: "${short(path)}" is no path to read metrics from.`);
  const { container = firstContainer(pod) } = ports.find(({ port }) => port === found) ?? {};
  const { uid = metadata.name, namespace = '' } = metadata;
  return ok({ id: uid, namespace, pod: metadata.name, container, ip: addressOf(pod), scheme, port: found, path });
};

/** https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config has them as an example; most charts follow it. */
const askedByAnnotations = (
  { metadata }: KubeObject,
  ports: readonly Port[],
): Result<{ readonly port: string; readonly path: string; readonly scheme: string }, string> => {
  const annotation = (name: string): string | undefined => {
    const value = Object.entries(metadata.annotations ?? {}).find(([key]) => key === `prometheus.io/${name}`)?.[1];
    return typeof value === 'string' ? value : undefined;
  };
  if (annotation('scrape') === 'false') return problem(`Pod ${metadata.name} says prometheus.io/scrape: "false".`);
  const port = annotation('port') ?? (annotation('scrape') !== undefined && ports.length === 1 ? ports[0]?.port : null);
  if (port == null)
    return problem(
      `Pod ${metadata.name} does not say where its metrics are: looked for the annotations prometheus.io/port, prometheus.io/path and prometheus.io/scheme.`,
    );
  return ok({ port: String(port), path: annotation('path') ?? '/metrics', scheme: annotation('scheme') ?? 'http' });
};

interface Port {
  readonly name: string;
  readonly port: number;
  readonly container: string;
}

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? { ...value } : {});
const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fields) : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const short = (value: string): string => (value.length <= 60 ? value : `${value.slice(0, 59)}…`);

/** Sidecars are init containers that go on. */
const portsOf = (pod: KubeObject): readonly Port[] => {
  const { containers, initContainers } = fields(pod['spec']);
  const sidecars = list(initContainers).filter(({ restartPolicy }) => restartPolicy === 'Always');
  return [...list(containers), ...sidecars].flatMap(({ name, ports }) =>
    list(ports).flatMap((port) => {
      const { containerPort } = port;
      return typeof containerPort === 'number'
        ? [{ name: text(port['name']), port: containerPort, container: text(name) }]
        : [];
    }),
  );
};

const portText = (ports: readonly Port[]): string => {
  const names = [...new Set(ports.map(({ name, port }) => name || String(port)))].slice(0, 10);
  return names.length === 0 ? '; its containers declare no ports' : `; its ports are ${names.join(', ')}`;
};

const firstContainer = (pod: KubeObject): string => text(list(fields(pod['spec'])['containers'])[0]?.['name']);

/**
 * A path leads through the API server: `..`, written plainly or escaped, would leave the pod and read any object that
 * the runner may read.
 */
const isPlainPath = (path: string): boolean =>
  path.length <= 500 &&
  /^\/[\w.~!$&'()*+,;=:@%/?-]*$/.test(path) &&
  !/%(?:2f|5c)/i.test(path) &&
  !path.split(/[/?]/).some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment));

/** What no pod has, and what must not be asked; link-local and metadata addresses are refused where requests are made. */
const unusual = (): BlockList => {
  const addresses = new BlockList();
  for (const [network, bits] of [
    ['0.0.0.0', 8],
    ['127.0.0.0', 8],
    ['224.0.0.0', 3],
  ] as const)
    addresses.addSubnet(network, bits, 'ipv4');
  for (const [network, bits] of [
    ['::', 127],
    ['ff00::', 8],
  ] as const)
    addresses.addSubnet(network, bits, 'ipv6');
  return addresses;
};

const UNUSUAL = unusual();

const addressOf = (pod: KubeObject): string | null => {
  const ip = text(fields(pod['status'])['podIP']);
  const family = isIP(ip);
  return family === 0 || UNUSUAL.check(ip, family === 4 ? 'ipv4' : 'ipv6') ? null : ip;
};
