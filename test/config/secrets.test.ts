import { describe, expect, test } from 'vitest';
import { secretsOf } from '../../src/config/secrets.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const KUBECONFIG = `apiVersion: v1
kind: Config
clusters:
  - name: production
    cluster: { server: "https://cluster.example.com", certificate-authority-data: Y2E= }
users:
  - name: deployer
    user:
      token: t0ken-value
      password: passw0rd
      client-key-data: ${base64('-----BEGIN PRIVATE KEY-----\nMIIEvQ\nIBADAN\n-----END PRIVATE KEY-----\n')}
  - name: plugin
    user:
      exec: { command: login, env: [{ name: CLIENT_SECRET, value: env-s3cret }] }
      auth-provider: { name: oidc, config: { id-token: id-t0ken, refresh-token: refresh-t0ken, client-id: shown } }
`;

describe('secrets of the inputs', () => {
  test('are the token and the credentials of a kubeconfig, in every form that could be printed', () => {
    const secrets = secretsOf({ 'github-token': 'ghs_abc', kubeconfig: KUBECONFIG });

    expect(secrets).toEqual(
      expect.arrayContaining([
        'ghs_abc',
        't0ken-value',
        'passw0rd',
        'MIIEvQ',
        'IBADAN',
        'env-s3cret',
        'id-t0ken',
        'refresh-t0ken',
      ]),
    );
  });

  test('are not the words that every kubeconfig has, which would be masked in every report', () => {
    const secrets = secretsOf({ kubeconfig: KUBECONFIG });

    for (const harmless of ['kind: Config', 'Config', 'v1', 'production', 'deployer', 'users:', 'shown']) {
      expect(secrets).not.toContain(harmless);
    }
    expect(secrets.some((secret) => secret.startsWith('-----'))).toBe(false);
  });

  test('are all lines of a kubeconfig that cannot be understood', () => {
    expect(secretsOf({ kubeconfig: 'users: [\n  token: abcdef\n' })).toEqual(['users: [', 'token: abcdef']);
  });

  test('are a kubeconfig of one long line, whatever it is', () => {
    const encoded = base64(KUBECONFIG);

    expect(secretsOf({ kubeconfig: encoded })).toEqual([encoded]);
  });

  test('are none where the kubeconfig is a path', () => {
    expect(secretsOf({ kubeconfig: '/home/runner/.kube/config' })).toEqual([]);
  });

  test('are the values of headers, with both forms of basic auth', () => {
    const pair = base64('reader:s3cret');

    const secrets = secretsOf({
      'prometheus-headers': `Authorization: Basic ${pair}\nX-Token: abc:def\nX-Other: Bearer jwt.jwt.jwt`,
    });

    expect(secrets).toEqual([
      `Basic ${pair}`,
      pair,
      'reader:s3cret',
      's3cret',
      'abc:def',
      'Bearer jwt.jwt.jwt',
      'jwt.jwt.jwt',
    ]);
  });

  test('are what a line of headers holds that is no header', () => {
    expect(secretsOf({ 'prometheus-headers': 's3cret without a name' })).toContain('s3cret without a name');
  });

  test('are the credentials in a URL, as written, decoded and as the header they become', () => {
    const secrets = secretsOf({ prometheus: 'https://reader:p%40ss@prometheus.example.com' });

    expect(secrets).toEqual(
      expect.arrayContaining(['reader:p%40ss', 'p%40ss', 'p@ss', 'reader:p@ss', base64('reader:p@ss')]),
    );
  });

  test('shorter than three characters are left alone, for masking them would blind every report', () => {
    expect(secretsOf({ 'prometheus-headers': 'X-Scope-OrgID: 1' })).toEqual([]);
  });
});
