import fs from 'node:fs';
import { describe } from 'vitest';
import { type ApiClient, apiClient, at, type Entrance, type Rule } from '../../test/conformance/api-client.ts';
import { apiServerConformance } from '../../test/conformance/api-server.ts';
import { storeConformance } from '../../test/conformance/store.ts';

interface Admin {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}

/** A ServiceAccount of its own with a Role of its own. The server makes up the name. */
const grant = async (client: ApiClient, rules: readonly Rule[]): Promise<string> => {
  const { namespace } = client;
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const account = await client.post(accounts, { metadata: { generateName: 'limited-' } });
  const name = String(at(account.body, 'metadata', 'name'));
  await client.post(`${rbac}/roles`, { metadata: { name }, rules });
  await client.post(`${rbac}/rolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
  const issued = await client.post(`${accounts}/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {},
  });
  const token = at(issued.body, 'status', 'token');
  if (typeof token !== 'string') throw new Error(`no token was issued: ${issued.text}`);
  return token;
};

/** A namespace of its own for each group of rules, as the only name that the server makes up. */
const connect = async (): Promise<Entrance> => {
  const { url, ca, token } = JSON.parse(fs.readFileSync(process.env['CANARY_E2E_ENTRANCE'] ?? '', 'utf8')) as Admin;
  const connection = { url, ca, headers: { authorization: `Bearer ${token}` } };
  const made = await apiClient({ ...connection, namespace: '' }).post('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { generateName: 'conformance-' },
  });
  const { metadata } = made.body as { metadata: { name: string } };
  const entrance = { ...connection, namespace: metadata.name };
  return { ...entrance, grant: (rules) => grant(apiClient(entrance), rules) };
};

describe('a real API server', () => {
  apiServerConformance(connect);
  describe('holds state and lock', () => storeConformance(connect));
});
