import { describe, expect, test } from 'vitest';
import { objectRef } from '../../src/core/objects.ts';
import type { Owner } from '../../src/core/owner.ts';
import { snippetFor } from '../../src/hazards/gitops/snippets.ts';
import { routers } from '../../src/routers/index.ts';
import { aPlan } from '../core/plan.ts';
import { files, textOf } from './sources.ts';

const PAGE = 'docs/gitops.md';
const ROUTE = objectRef(
  { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', plural: 'httproutes' },
  'shop',
  'checkout',
);
/** As the router names them for a route with one rule: a test below holds their form. */
const FIELDS = ['spec.rules[0].backendRefs[checkout-canary]', 'spec.rules[0].backendRefs[checkout].weight'];
const OWNERS: readonly Owner[] = [
  { tool: 'argo-cd', name: 'checkout', namespace: null, set: null },
  { tool: 'kustomization', name: 'apps', namespace: 'flux-system', set: null },
  { tool: 'helm-release', name: 'checkout', namespace: 'shop', set: null },
];

const blocks = [...textOf(PAGE).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text.trimEnd());

describe(PAGE, () => {
  test.each(OWNERS)('shows what the warning prints: $tool', (owner) => {
    expect(blocks).toContain(snippetFor(owner, ROUTE, FIELDS));
  });

  test('shows no lines to add that are not printed', () => {
    const printed = OWNERS.map((owner) => snippetFor(owner, ROUTE, FIELDS));
    const objects = blocks.filter((block) => /^kind: /m.test(block));

    expect(objects.filter((block) => !printed.includes(block))).toEqual([]);
    expect(objects).toHaveLength(OWNERS.length);
  });

  test('is the only page that has them', () => {
    const others = files('README.md', 'docs/**/*.md').filter((file) => file !== PAGE);

    expect(others.filter((file) => /ignoreDifferences|driftDetection:/.test(textOf(file)))).toEqual([]);
  });

  test('is found from the README and from the pages that send here', () => {
    const linking = ['README.md', 'docs/hazards.md', 'docs/commands.md', 'docs/routers/gateway-api.md'];

    expect(linking.filter((file) => !/\]\((?:\.\.\/|docs\/)?gitops\.md/.test(textOf(file)))).toEqual([]);
  });

  test('is written for fields as the routers name them', () => {
    const rules = [{ backendRefs: [{ name: 'checkout', port: 80 }] }];
    const route = { apiVersion: ROUTE.apiVersion, kind: ROUTE.kind, metadata: { name: 'checkout' }, spec: { rules } };
    const key = `${ROUTE.apiVersion}/${ROUTE.kind}/shop/checkout`;
    const { target: made } = aPlan();
    const target = { ...made, service: 'checkout', canaryService: 'checkout-canary', routes: [ROUTE] };
    const seen = { objects: new Map([[key, route]]), lists: new Map() };
    const fields = routers
      .filter(({ kinds }) => kinds.some(({ kind }) => kind === ROUTE.kind))
      .map((router) => router.fields(seen, target)[key]);

    expect(fields).toEqual([FIELDS]);
  });
});
