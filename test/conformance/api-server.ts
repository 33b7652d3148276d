import { describe } from 'vitest';
import { accessRules } from './api-access.ts';
import type { ApiClient, Entrance } from './api-client.ts';
import { apiClient } from './api-client.ts';
import { kindRules } from './api-kinds.ts';
import { listAndWatchRules } from './api-lists.ts';
import { namedRights } from './api-names.ts';
import { writeRules } from './api-writes.ts';

/**
 * What this project relies on in an API server, over plain HTTP. The sandbox and a real kube-apiserver both pass it, so
 * that the sandbox cannot drift. Needs the Gateway API's CRDs. `connect` is called once for each group of rules.
 */
export const apiServerConformance = (connect: () => Promise<Entrance>): void => {
  const client = (): Promise<ApiClient> => connect().then(apiClient);
  describe('writes', () => writeRules(client));
  describe('kinds', () => kindRules(client));
  describe('lists and watches', () => listAndWatchRules(client));
  describe('access and paths', () => accessRules(client));
  describe('rights on one name', () => namedRights(connect));
};
