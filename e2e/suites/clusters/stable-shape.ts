import { at, type Json, type KubeObject } from '../../harness/json.ts';
import { deployment, httpRoute, service } from '../../harness/objects.ts';

export type Fields = Readonly<Record<string, unknown>>;

export interface Shape {
  readonly replicas?: number;
  readonly version?: string;
  /** Beside replicas, selector and template. */
  readonly spec?: Fields;
  readonly podSpec?: Fields;
  readonly container?: Fields;
}

/** `checkout` as the suite has it, changed in what a case is about. */
export const checkout = (namespace: string, { replicas = 3, version = '1.0', ...change }: Shape): KubeObject => {
  const { spec, ...rest } = deployment({ namespace, name: 'checkout', version, replicas });
  const podSpec = at(spec, 'template', 'spec') as Fields;
  const [container] = podSpec['containers'] as readonly Fields[];
  const containers = [{ ...container, ...change.container }];
  const template = { ...(at(spec, 'template') as Fields), spec: { ...podSpec, ...change.podSpec, containers } };
  return { ...rest, spec: { ...(spec as Fields), ...change.spec, template } as unknown as Json };
};

/** Its Service and its route. */
export const behind = (namespace: string): readonly KubeObject[] => [
  service(namespace, 'checkout'),
  httpRoute(namespace, 'checkout', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]),
];

/** All three. */
export const shop = (namespace: string, shape: Shape): readonly KubeObject[] => [
  checkout(namespace, shape),
  ...behind(namespace),
];
