import fs from 'node:fs';
import { describe } from 'vitest';
import { apiClient, type Connection } from '../../test/conformance/api-client.ts';
import { apiServerConformance } from '../../test/conformance/api-server.ts';

interface Entrance {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}

/** A namespace of its own for each group of rules, as the only name that the server makes up. */
const connect = async (): Promise<Connection> => {
  const { url, ca, token } = JSON.parse(fs.readFileSync(process.env['CANARY_E2E_ENTRANCE'] ?? '', 'utf8')) as Entrance;
  const connection = { url, ca, headers: { authorization: `Bearer ${token}` } };
  const made = await apiClient({ ...connection, namespace: '' }).post('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { generateName: 'conformance-' },
  });
  const { metadata } = made.body as { metadata: { name: string } };
  return { ...connection, namespace: metadata.name };
};

describe('a real API server', () => apiServerConformance(connect));
