import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Permission } from '../../src/core/objects.ts';
import { mergePermissions, OWN_PERMISSIONS, roleYaml } from '../../src/core/rights.ts';

const routes: readonly Permission[] = [
  { group: 'gateway.networking.k8s.io', resource: 'httproutes', verbs: ['patch', 'get'], why: 'write the weights' },
  { group: 'gateway.networking.k8s.io', resource: 'httproutes', verbs: ['list'], why: 'find the route' },
];

describe('rights', () => {
  test('of one resource become one entry with the verbs in order and both reasons', () => {
    expect(mergePermissions(routes)).toEqual([
      {
        group: 'gateway.networking.k8s.io',
        resource: 'httproutes',
        verbs: ['get', 'list', 'patch'],
        why: 'write the weights; find the route',
      },
    ]);
  });

  test('of the same resource in two namespaces stay apart', () => {
    const elsewhere = { ...routes[0], namespace: 'monitoring' } as Permission;

    expect(mergePermissions([...routes, elsewhere])).toHaveLength(2);
  });

  test('that a rollout can do without are in the Role, and not among those it must have', () => {
    const [configMaps] = mergePermissions(OWN_PERMISSIONS);
    const role = parse(roleYaml(OWN_PERMISSIONS, 'shop'));

    expect(configMaps).toMatchObject({ verbs: ['get', 'create', 'patch', 'delete'], optional: ['watch'] });
    expect(role.rules[0]).toMatchObject({ verbs: ['get', 'watch', 'create', 'patch', 'delete'] });
  });

  test('that may be left out are marked in the Role, verb by verb or as a whole line', () => {
    const quotas: Permission = { group: '', resource: 'resourcequotas', verbs: [], optional: ['list'], why: 'look' };
    const lines = roleYaml([...OWN_PERMISSIONS, ...routes, quotas], 'shop').split('\n');
    const lineOf = (resource: string): string => lines.find((line) => line.includes(`"${resource}"`)) ?? '';

    expect(lineOf('configmaps')).toMatch(/ # optional: watch$/);
    expect(lineOf('resourcequotas')).toMatch(/verbs: \[list\] \} # optional$/);
    expect(lineOf('httproutes')).not.toContain('#');
  });

  test('that one part needs are not optional any more', () => {
    const [first] = OWN_PERMISSIONS;
    const needed: Permission = { group: '', resource: 'configmaps', verbs: ['watch'], why: 'follow them' };

    const merged = first === undefined ? [] : mergePermissions([first, needed]);

    expect(merged[0]?.verbs).toContain('watch');
    expect(merged[0]).not.toHaveProperty('optional');
  });

  test('become a Role that parses and holds only the namespace asked for', () => {
    const proxy: Permission = {
      group: '',
      resource: 'services/proxy',
      verbs: ['get'],
      why: 'read metrics',
      namespace: 'monitoring',
    };

    const role = parse(roleYaml([...OWN_PERMISSIONS, ...routes, proxy], 'shop'));

    expect(role).toMatchObject({ kind: 'Role', metadata: { name: 'canary-rollout', namespace: 'shop' } });
    expect(role.rules).toContainEqual({
      apiGroups: ['gateway.networking.k8s.io'],
      resources: ['httproutes'],
      verbs: ['get', 'list', 'patch'],
    });
    expect(JSON.stringify(role)).not.toContain('services/proxy');
  });
});
