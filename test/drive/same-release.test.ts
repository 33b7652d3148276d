import { describe, expect, test } from 'vitest';
import { manifestHash } from '../../src/core/manifest.ts';
import { isSame } from '../../src/earlier.ts';
import { aPlan as corePlan } from '../core/plan.ts';
import { aManifest, POD_TEMPLATE } from '../fakes/manifest.ts';
import { aSpec } from '../fakes/spec.ts';

const { manifest: _manifest, ...target } = corePlan().target;
const IMAGES = { plan: { ...corePlan(), target } };
const WHOLE = { plan: { ...corePlan(), target: { ...target, template: POD_TEMPLATE } } };
const WRITTEN = { plan: { ...WHOLE.plan, target: { ...WHOLE.plan.target, manifest: manifestHash(aManifest()) } } };

describe('a run that finds an open rollout', () => {
  test('by the same manifest goes on with it, whatever else is in the file', () => {
    const again = aSpec({ images: [], manifest: aManifest({ replicas: 9 }) });
    const other = aManifest({ template: { ...POD_TEMPLATE, metadata: { labels: { app: 'checkout', v: '3' } } } });

    expect(isSame(again, WRITTEN)).toBe(true);
    expect(isSame(aSpec({ images: [], manifest: other }), WRITTEN)).toBe(false);
  });

  test('takes no other kind of release for its own', () => {
    const images = aSpec({ images: target.images });
    const manifest = aSpec({ images: [], manifest: aManifest() });
    const rollback = aSpec({ command: 'rollback', images: [] });

    expect([IMAGES, WHOLE, WRITTEN].map((open) => isSame(images, open))).toEqual([true, false, false]);
    expect([IMAGES, WHOLE, WRITTEN].map((open) => isSame(manifest, open))).toEqual([false, false, true]);
    expect([IMAGES, WHOLE, WRITTEN].map((open) => isSame(rollback, open))).toEqual([false, true, false]);
  });
});
