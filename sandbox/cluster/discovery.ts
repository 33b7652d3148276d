import type { JsonObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { groupVersions, RESOURCES } from './resources.ts';

const groupsOf = (served: readonly Resource[]): string[] =>
  [...new Set(served.map(({ group }) => group))].filter((group) => group !== '');

const groupBody = (served: readonly Resource[], group: string): JsonObject => {
  const versions = [...new Set(served.filter((entry) => entry.group === group).flatMap(({ versions: all }) => all))];
  const entries = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] ?? {} };
};

const resourceBodies = (resource: Resource): JsonObject[] => {
  const { plural, kind, namespaced } = resource;
  const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
  const own = { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs };
  const status = { name: `${plural}/status`, singularName: '', namespaced, kind, verbs: ['get', 'patch', 'update'] };
  return resource.status ? [own, status] : [own];
};

const resourceList = (served: readonly Resource[], groupVersion: string): JsonObject | null => {
  const inGroup = served.filter((entry) => groupVersions(entry).includes(groupVersion));
  return inGroup.length === 0
    ? null
    : { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: inGroup.flatMap(resourceBodies) };
};

/**
 * The answer to a discovery path (`/api`, `/apis`, `/apis/GROUP`, `/apis/GROUP/VERSION`); null where nothing is served.
 * `unserved`: kinds that this cluster does not have.
 */
export const discovery = (segments: readonly string[], unserved: ReadonlySet<string>): JsonObject | null => {
  const [root, group, version] = segments;
  const served = RESOURCES.filter(({ kind }) => !unserved.has(kind));
  if (root === 'api') {
    return group === undefined
      ? { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
      : resourceList(served, group);
  }
  const groups = groupsOf(served);
  if (group === undefined) {
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((name) => groupBody(served, name)) };
  }
  if (version !== undefined) return resourceList(served, `${group}/${version}`);
  return groups.includes(group) ? { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(served, group) } : null;
};

export const VERSION: JsonObject = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3',
  gitCommit: '0000000000000000000000000000000000000000',
  gitTreeState: 'clean',
  buildDate: '2026-01-01T00:00:00Z',
  goVersion: 'go1.26',
  compiler: 'gc',
  platform: 'linux/amd64',
};
