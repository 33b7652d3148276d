import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { join } from 'node:path';
import { API_URL, type Folders, kubeconfigOf, USERS } from './settings.ts';

export type Tokens = ReadonlyMap<string, string>;

/** Keys for ServiceAccount tokens, and one cluster-admin token for each component, so that the audit log tells them apart. */
export const writeIdentities = ({ run }: Folders): Tokens => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  fs.writeFileSync(join(run, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
  fs.writeFileSync(join(run, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  const tokens = new Map<string, string>(USERS.map((user) => [user, randomBytes(24).toString('hex')]));
  const lines = [...tokens].map(([user, token]) => `${token},${user},${user},system:masters\n`);
  fs.writeFileSync(join(run, 'tokens.csv'), lines.join(''), { mode: 0o600 });
  return tokens;
};

export const certificateOf = ({ run }: Folders): string => fs.readFileSync(join(run, 'certs/apiserver.crt'), 'utf8');

/** JSON is YAML, and needs no YAML parser to be read. */
export const kubeconfig = (certificate: string, token: string, namespace: string, user: string): string => {
  const cluster = { server: API_URL, 'certificate-authority-data': Buffer.from(certificate).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'stack', cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'stack', context: { cluster: 'stack', user, namespace } }],
    'current-context': 'stack',
  });
};

export const writeKubeconfigs = (folders: Folders, tokens: Tokens): void => {
  const certificate = certificateOf(folders);
  for (const user of USERS) {
    const text = kubeconfig(certificate, tokens.get(user) ?? '', 'default', user);
    fs.writeFileSync(kubeconfigOf(folders, user), text, { mode: 0o600 });
  }
};
