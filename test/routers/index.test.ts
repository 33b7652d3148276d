import { describe, expect, test } from 'vitest';
import { routeKinds, routers } from '../../src/routers/index.ts';

describe('the list of routers', () => {
  test('no two have the same name, and no word leads to two of them', () => {
    const names = routers.map(({ name }) => name);
    const words = routeKinds.flatMap(({ kind }) => kind.aliases);

    expect(new Set(names).size).toBe(names.length);
    expect(new Set(words).size).toBe(words.length);
    expect(words).toEqual(expect.arrayContaining(['httproute', 'httproutes', 'grpcroute', 'grpcroutes']));
  });

  test('each may read and patch what it writes', () => {
    for (const { kinds, permissions } of routers)
      for (const kind of kinds) {
        const verbs = permissions.filter(({ resource }) => resource === kind.plural).flatMap((one) => one.verbs);
        expect(verbs).toEqual(expect.arrayContaining(['get', 'list', 'patch']));
      }
  });
});
