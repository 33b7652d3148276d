import { join } from 'node:path';
import type { Processes } from './processes.ts';
import { BIN, type Folders, kubeconfigOf, PORT, PROMETHEUS_URL } from './settings.ts';
import type { Stack } from './stack.ts';

/** What `startStack` has to define for them. */
export const RIVAL_DEFINITIONS = ['flagger', 'argo'] as const;

/** Every 2 s it looks for Canary objects; their checks have intervals of their own, of at least 10 s. */
const startFlagger = (processes: Processes, folders: Folders): void =>
  processes.start('flagger', join(BIN, 'flagger'), [
    `-kubeconfig=${kubeconfigOf(folders, 'flagger')}`,
    '-mesh-provider=gatewayapi:v1',
    `-metrics-server=${PROMETHEUS_URL}`,
    `-port=${PORT.flagger}`,
    '-control-loop-interval=2s',
    '-log-level=info',
  ]);

/** Its default Traefik group is the one of Traefik 2. */
const startArgo = (processes: Processes, folders: Folders): void =>
  processes.start(
    'argo-rollouts',
    join(BIN, 'rollouts-controller'),
    [
      `--kubeconfig=${kubeconfigOf(folders, 'argo')}`,
      '--leader-elect=false',
      '--traefik-api-group=traefik.io',
      '--traefik-api-version=traefik.io/v1alpha1',
      `--metricsPort=${PORT.argo}`,
      `--healthzPort=${PORT.argoHealth}`,
      '--loglevel=info',
    ],
    { POD_NAMESPACE: 'argo-rollouts' },
  );

const answers = async (port: number, path: string): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${port}${path}`)).ok;

/** Flagger and Argo Rollouts on a stack with their definitions. Resolves when both serve. */
export const startRivals = async ({ processes, folders, kubectl }: Stack): Promise<void> => {
  await kubectl(['create', 'namespace', 'argo-rollouts']);
  startFlagger(processes, folders);
  startArgo(processes, folders);
  await processes.until('flagger healthy', () => answers(PORT.flagger, '/healthz'), 60_000);
  await processes.until('argo-rollouts healthy', () => answers(PORT.argoHealth, '/healthz'), 60_000);
};
