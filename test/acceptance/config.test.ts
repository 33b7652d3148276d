import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Inputs, Release, Shop } from './shop.ts';
import { expectRejected, inShop } from './shop.ts';

/** A checkout with these files, gone afterwards. */
const inWorkspace = async (
  files: Readonly<Record<string, string>>,
  body: (workspace: string) => Promise<void>,
): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'canary-acceptance-'));
  const workspace = join(folder, 'workspace');
  try {
    for (const [path, text] of Object.entries({ 'workspace/README.md': '', ...files })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    await body(workspace);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const messages = ({ annotations }: Release): string[] =>
  annotations.filter(({ level }) => level === 'error').map(({ message }) => message);

/** Nobody was asked anything, and the run says why. */
const expectInvalid = (shop: Shop, release: Release): void => {
  expectRejected(shop, release, 'invalid-config');
  expect(shop.cluster.calls).toEqual([]);
  expect(shop.prometheus.requests).toEqual([]);
};

const CONFIG = `deployment: checkout
weights: 5, 10
weights: 10, 20
interval: 60
metrics:
  - name: errors
    query: sum(up{pod="{{pod}}"})
    max-incerase: 20%
namespace: shop
prometheus-headers: "Authorization: Bearer x"
watchdog-image: registry.example/dog:1
`;

describe.concurrent('mistakes in the configuration', () => {
  test(
    'are told all at once, at their line and column, and nobody is asked anything',
    inShop({}, (shop) =>
      inWorkspace({ 'workspace/.github/canary.yml': CONFIG }, async (workspace) => {
        const inputs = { deployment: '', weights: '', interval: '', image: '', namespace: '', 'ready-timeout': 'soon' };
        const release = await shop.release(inputs, { workspace });
        const places = release.annotations
          .filter(({ level, properties }) => level === 'error' && properties['file'] !== undefined)
          .map(({ properties: { file, line, col } }) => `${file}:${line}:${col}`);

        expectInvalid(shop, release);
        expect(places).toEqual([
          '.github/canary.yml:3:1',
          '.github/canary.yml:4:11',
          '.github/canary.yml:6:5',
          '.github/canary.yml:7:24',
          '.github/canary.yml:8:5',
          '.github/canary.yml:9:1',
          '.github/canary.yml:10:1',
          '.github/canary.yml:11:1',
        ]);
        for (const text of [
          '`.github/canary.yml:8:5` in `metrics[0].max-incerase`',
          'did you mean',
          'max-increase',
          '{{pods}}',
          '`image` is missing',
          'ready-timeout',
        ])
          expect(release.everything).toContain(text);
        expect(release.outputs['reason']).toMatch(/^\d+ mistakes in the configuration$/);
      }),
    ),
  );

  // What is allowed is told for each input; every text of them is held by the tests of the configuration itself.
  test.each([
    [
      {
        weights: '10, 5',
        interval: '60',
        metrics: '[]',
        route: 'virtualservise/checkout',
        comment: 'yes',
        wieghts: '5',
        'promote-at': 'last',
        image: 'registry.example/check out:1',
        deployment: 'Check_Out',
      },
      [
        /rise|rising/,
        /`60s`/,
        /`metrics`|empty/,
        /httproute/,
        /known: `auto`, `true`, `false`/,
        /did you mean `weights`/,
        /known: `100`, `last-step`|did you mean `last-step`/,
        /no spaces/,
        /`Check_Out` is not a name/,
      ],
    ],
    [{ weights: '0', command: 'pln' }, [/above 0/, /did you mean `plan`/]],
    [{ weights: 'abc', command: 'promote' }, [/`abc`/]],
    [
      { weights: '100.5', metrics: '- name: a\n  name: b\n  query: sum(up{pod=~"{{nope}}"})\n  max: 1\n' },
      [/at most 100|100\s?%/, /twice|duplicate/, /unknown placeholder `{{nope}}`/],
    ],
  ])('in the inputs %j are told with what is allowed', async (inputs, expected) => {
    await inShop({}, async (shop) => {
      const release = await shop.release(inputs as Inputs);

      expectInvalid(shop, release);
      for (const pattern of expected) expect(messages(release).join('\n')).toMatch(pattern);
    })();
  });
});

describe.concurrent('the config file', () => {
  test(
    'gives what the inputs do not, and an input wins',
    inShop({}, (shop) =>
      inWorkspace({ 'workspace/release.yml': 'deployment: nobody\nweights: 10, 30\n' }, async (workspace) => {
        const inputs = { command: 'plan', config: 'release.yml', weights: '' };
        const release = await shop.release(inputs, { workspace });

        expect(release.outputs['status']).toBe('planned');
        expect(release.summary).toMatch(/\| 2 \| 30\s% \|/);
      }),
    ),
  );

  test.each(['../outside.yml', '/etc/passwd', 'folder/../../outside.yml', 'https://example.com/canary.yml'])(
    'is not read outside the workspace: %s',
    async (config) => {
      await inShop({}, (shop) =>
        inWorkspace({ 'outside.yml': 'deployment: stolen-name\n' }, async (workspace) => {
          const release = await shop.release({ config, deployment: '' }, { workspace });

          expectInvalid(shop, release);
          expect(messages(release).join('\n')).toMatch(/inside the workspace|file of the workspace/);
          expect(release.everything).not.toContain('stolen-name');
        }),
      )();
    },
  );

  test(
    'that a link leads out of the workspace is not read',
    inShop({}, (shop) =>
      inWorkspace({ 'outside/canary.yml': 'deployment: stolen-name\n' }, async (workspace) => {
        // A link to a folder needs no rights on Windows, where it is a junction.
        symlinkSync(join(workspace, '../outside'), join(workspace, 'linked'), 'junction');
        const release = await shop.release({ config: 'linked/canary.yml', deployment: '' }, { workspace });

        expectInvalid(shop, release);
        expect(messages(release).join('\n')).toContain('leads out of the workspace');
        expect(release.everything).not.toContain('stolen-name');
      }),
    ),
  );

  test(
    'that is named and does not exist is a mistake',
    inShop({}, async (shop) => {
      const release = await shop.release({ config: 'release.yml' });

      expectInvalid(shop, release);
      expect(messages(release).join('\n')).toContain('is there a checkout step before this one?');
    }),
  );
});
