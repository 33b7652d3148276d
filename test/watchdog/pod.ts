import type { KubeObject } from '../../src/core/objects.ts';

/** What a kubelet starts a container with. */
export interface Started {
  readonly command: readonly string[];
  readonly script: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Kubernetes' own expansion: `$(NAME)` of a variable that is set, `$$` for `$`, everything else as it stands
 * (k8s.io/kubernetes/third_party/forked/golang/expansion/expand.go).
 */
export const expand = (text: string, env: Readonly<Record<string, string>>): string =>
  text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (env[name] ?? whole),
  );

interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
}

/** Command, arguments and variables of the Job's only container, as a kubelet would pass them. */
export const asKubelet = (job: KubeObject): Started => {
  const spec = job['spec'] as { template: { spec: { containers: readonly [Container] } } };
  const [container] = spec.template.spec.containers;
  const env: Record<string, string> = {};
  for (const { name, value } of container.env) env[name] = expand(value, env);
  const command = container.command.map((word) => expand(word, env));
  return { command, script: container.command[2] ?? '', args: container.args.map((word) => expand(word, env)), env };
};
