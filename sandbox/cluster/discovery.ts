import type { JsonObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { groupVersions, RESOURCES } from './resources.ts';

const groups = (): string[] => [...new Set(RESOURCES.map(({ group }) => group))].filter((group) => group !== '');

const groupBody = (group: string): JsonObject => {
  const versions = [...new Set(RESOURCES.filter((entry) => entry.group === group).flatMap(({ versions: all }) => all))];
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

const resourceList = (groupVersion: string): JsonObject | null => {
  const served = RESOURCES.filter((entry) => groupVersions(entry).includes(groupVersion));
  return served.length === 0
    ? null
    : { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: served.flatMap(resourceBodies) };
};

/** The answer to a discovery path (`/api`, `/apis`, `/apis/GROUP`, `/apis/GROUP/VERSION`); null where nothing is served. */
export const discovery = (segments: readonly string[]): JsonObject | null => {
  const [root, group, version] = segments;
  if (root === 'api') {
    return group === undefined
      ? { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] }
      : resourceList(group);
  }
  if (group === undefined) return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups().map(groupBody) };
  if (version !== undefined) return resourceList(`${group}/${version}`);
  return groups().includes(group) ? { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) } : null;
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
