import fs from 'node:fs';
import { join } from 'node:path';
import type { Processes } from './processes.ts';
import {
  API_URL,
  auditLogOf,
  BIN,
  type Folders,
  HERE,
  kubeconfigOf,
  manifests,
  POD_NETWORK,
  PORT,
  SCRAPE_INTERVAL,
  SERVICE_NETWORK,
  type User,
} from './settings.ts';

export const startEtcd = (processes: Processes, { data }: Folders): void =>
  processes.start('etcd', join(BIN, 'etcd'), [
    `--data-dir=${join(data, 'etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${PORT.etcd}`,
    `--advertise-client-urls=http://127.0.0.1:${PORT.etcd}`,
    `--listen-peer-urls=http://127.0.0.1:${PORT.etcdPeer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${PORT.etcdPeer}`,
    `--initial-cluster=default=http://127.0.0.1:${PORT.etcdPeer}`,
  ]);

export const startApiserver = (processes: Processes, folders: Folders): void =>
  processes.start('kube-apiserver', join(BIN, 'kube-apiserver'), [
    `--etcd-servers=http://127.0.0.1:${PORT.etcd}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${PORT.api}`,
    `--cert-dir=${join(folders.run, 'certs')}`,
    `--token-auth-file=${join(folders.run, 'tokens.csv')}`,
    '--authorization-mode=RBAC',
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    `--service-account-issuer=${API_URL}/`,
    `--service-account-key-file=${join(folders.run, 'sa.pub')}`,
    `--service-account-signing-key-file=${join(folders.run, 'sa.key')}`,
    '--endpoint-reconciler-type=none', // It would publish 127.0.0.1, which the API refuses.
    '--profiling=false',
    `--audit-policy-file=${join(HERE, 'audit-policy.yaml')}`,
    `--audit-log-path=${auditLogOf(folders)}`,
  ]);

const clientFlags = (folders: Folders, user: User): readonly string[] =>
  ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(
    (flag) => `--${flag}=${kubeconfigOf(folders, user)}`,
  );

export const startControllers = (processes: Processes, folders: Folders): void => {
  processes.start('kube-controller-manager', join(BIN, 'kube-controller-manager'), [
    ...clientFlags(folders, 'controller-manager'),
    '--leader-elect=false',
    `--service-account-private-key-file=${join(folders.run, 'sa.key')}`,
    `--root-ca-file=${join(folders.run, 'certs/apiserver.crt')}`,
    '--use-service-account-credentials',
    `--cert-dir=${join(folders.run, 'controller-manager')}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${PORT.controllerManager}`,
  ]);
  processes.start('kube-scheduler', join(BIN, 'kube-scheduler'), [
    ...clientFlags(folders, 'scheduler'),
    '--leader-elect=false',
    `--cert-dir=${join(folders.run, 'scheduler')}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${PORT.scheduler}`,
  ]);
};

export const startKwok = (processes: Processes, folders: Folders): void => {
  const nodeStages = fs.readdirSync(manifests('kwok')).map((name) => join(manifests('kwok'), name));
  processes.start('kwok', join(BIN, 'kwok'), [
    ...[...nodeStages, join(HERE, 'kwok-stages.yaml')].map((stages) => `--config=${stages}`),
    `--kubeconfig=${kubeconfigOf(folders, 'kwok')}`,
    '--manage-all-nodes=true',
    `--cidr=${POD_NETWORK}`,
    '--node-ip=10.244.255.254',
    '--node-lease-duration-seconds=40',
  ]);
};

export const startFarm = (processes: Processes, folders: Folders, seed: string): void =>
  processes.start('farm', process.execPath, [
    join(HERE, 'farm.ts'),
    `--kubeconfig=${kubeconfigOf(folders, 'farm')}`,
    `--seed=${seed}`,
    `--port=${PORT.farm}`,
    `--grpc-port=${PORT.farmGrpc}`,
    `--metrics-port=${PORT.farmMetrics}`,
  ]);

/** Each pod is a target of its own, as in a cluster; the farm lists them, because Debian builds Prometheus without Kubernetes discovery. */
const prometheusConfig = (): object => ({
  global: { scrape_interval: SCRAPE_INTERVAL, scrape_timeout: SCRAPE_INTERVAL },
  scrape_configs: [
    {
      job_name: 'pods',
      honor_labels: true,
      http_sd_configs: [{ url: `http://127.0.0.1:${PORT.farmMetrics}/targets`, refresh_interval: '1s' }],
    },
    { job_name: 'traefik', static_configs: [{ targets: [`127.0.0.1:${PORT.traefik}`] }] },
  ],
});

export const startPrometheus = (processes: Processes, { run, data }: Folders): void => {
  fs.writeFileSync(join(run, 'prometheus.yml'), JSON.stringify(prometheusConfig()));
  processes.start('prometheus', 'prometheus', [
    `--config.file=${join(run, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(data, 'prometheus')}`,
    `--web.listen-address=0.0.0.0:${PORT.prometheus}`, // Also on the IP of its pod, see monitoringObjects.
    '--log.level=warn',
  ]);
};

export const startTraefik = (processes: Processes, folders: Folders): void =>
  processes.start(
    'traefik',
    join(BIN, 'traefik'),
    [
      `--entrypoints.web.address=127.0.0.1:${PORT.gateway}`,
      // On every address, those of pods too: a fake pod lends its own, so that Traefik is found as in a cluster.
      `--entrypoints.metrics.address=:${PORT.traefik}`,
      '--ping=true',
      '--ping.entrypoint=metrics',
      '--metrics.prometheus=true',
      '--metrics.prometheus.entrypoint=metrics',
      '--metrics.prometheus.addserviceslabels=true',
      '--providers.kubernetescrd=true',
      '--providers.kubernetescrd.allowcrossnamespace=true',
      '--providers.kubernetesgateway=true',
      '--providers.kubernetesgateway.statusaddress.ip=127.0.0.1',
      '--providers.kubernetesingressnginx=true',
      '--providers.providersthrottleduration=200ms',
      '--global.sendanonymoususage=false',
      '--global.checknewversion=false',
    ],
    { KUBECONFIG: kubeconfigOf(folders, 'traefik') },
  );
