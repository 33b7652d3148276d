import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { askedIn, configure, configureAgain, type Process } from '../../src/compose.ts';

const processWith = (values: Readonly<Record<string, string>>): Process =>
  ({
    context: { workspace: mkdtempSync(join(tmpdir(), 'post-')) },
    inputs: { values, unknown: [] },
  }) as unknown as Process;

const INPUTS = {
  command: 'run',
  deployment: 'checkout',
  namespace: 'shop',
  route: 'httproute/checkout',
  manifest: 'gone.yml',
};

test('the post step can finish a rollout whose manifest is gone from the workspace by then', () => {
  expect(askedIn(configure(processWith(INPUTS)))).toBeNull();
  expect(askedIn(configureAgain(processWith(INPUTS)))).toMatchObject({ deployment: 'checkout', namespace: 'shop' });
});

test('what main could read is read as main did', () => {
  const { manifest: _manifest, ...inputs } = INPUTS;
  const spec = askedIn(configureAgain(processWith({ ...inputs, image: 'checkout:2' })));

  expect(spec).toMatchObject({ images: [{ image: 'checkout:2' }] });
});
