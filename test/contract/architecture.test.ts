import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeOf, files, importsOf, textOf } from './sources.ts';

// Design §3: who may know whom. The key is the first folder below src/, or the file.
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ports: ['core'],
  config: ['core'],
  report: ['core'],
  routers: ['core', 'ports'],
  workloads: ['core', 'ports'],
  // They look at the same objects as the workload, with its words.
  hazards: ['core', 'ports', 'workloads'],
  watchdog: ['core', 'ports'],
  metrics: ['core', 'ports'],
  kube: ['core', 'ports'],
  net: ['core', 'ports'],
  github: ['core', 'ports', 'report'],
  drive: ['core', 'ports'],
  'earlier.ts': ['core', 'ports', 'drive'],
  'release.ts': ['core', 'ports', 'config', 'drive', 'earlier.ts'],
  'control.ts': ['core', 'ports', 'drive'],
  'sweep.ts': ['core', 'ports', 'drive', 'earlier.ts', 'control.ts'],
  // The composition root: `compose` has all there is, `main` what is done with it.
  'compose.ts': [
    'core',
    'ports',
    'config',
    'drive',
    'routers',
    'workloads',
    'hazards',
    'watchdog',
    'metrics',
    'kube',
    'net',
    'github',
  ],
  'main.ts': [
    ...['core', 'ports', 'config', 'drive', 'metrics', 'kube', 'github', 'report'],
    ...['compose.ts', 'release.ts', 'control.ts', 'sweep.ts'],
  ],
};

// The only places that know a library. A library that is not named here may not be imported in src/ at all.
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  '@actions/core': ['github'],
  '@actions/github': ['github'],
  '@kubernetes/client-node': ['kube'],
  'node-fetch': ['net'],
  hpagent: ['net'],
  // Reads only; writes are repeated by the loop, from a fresh read.
  'p-retry': ['net', 'kube'],
  yaml: ['config', 'kube'],
  zod: ['config', 'kube', 'metrics'],
  '@prometheus-io/lezer-promql': ['config', 'metrics'],
  '@lezer/common': ['config', 'metrics'],
  '@lezer/lr': ['config', 'metrics'],
  'fastest-levenshtein': ['config', 'metrics', 'routers', 'workloads', 'hazards', 'drive'],
  re2js: ['metrics'],
  'markdown-table': ['report'],
};

const PURE = ['core', 'config', 'routers', 'workloads', 'hazards', 'watchdog', 'report'];

// What pure folders may take from Node: a hash of its arguments is a function like any other.
const PURE_NODE: Readonly<Record<string, readonly string[]>> = { core: ['node:crypto'], workloads: ['node:crypto'] };

const IMPURE: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['the clock', /\bDate\s*\.\s*now\b|\bnew\s+Date\s*(?:\(\s*\)|[;,)\]}])|(?<!new\s)\bDate\s*\(|\bperformance\s*\./],
  ['randomness', /\bMath\s*\.\s*random\b|\brandom(?:UUID|Bytes|Int|FillSync)\b|\bgetRandomValues\b/],
  ['the process', /\bprocess\s*[.[]|\bglobalThis\b/],
  ['a timer', /\bset(?:Timeout|Interval|Immediate)\b|\bqueueMicrotask\b/],
  ['output', /\bconsole\s*\./],
  ['the network', /\bfetch\s*\(/],
];

const sources = files('src/**/*.ts');
const partOf = (file: string): string => file.split('/')[1] ?? '';
const isRelative = (specifier: string): boolean => specifier.startsWith('.');
const resolve = (from: string, specifier: string): string => posix.join(posix.dirname(from), specifier);
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

const graph = new Map(sources.map((file) => [file, importsOf(textOf(file))]));
const edges = new Map(
  [...graph].map(([file, all]) => [file, all.filter(isRelative).map((specifier) => resolve(file, specifier))]),
);

/** The first cycle that a walk from `start` comes to, as the files on it. */
const cycleIn = (links: ReadonlyMap<string, readonly string[]>): readonly string[] | null => {
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): readonly string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of links.get(file) ?? []) {
      const found = walk(next, [...path, file]);
      if (found) return found;
    }
    done.add(file);
    return null;
  };
  for (const file of links.keys()) {
    const found = walk(file, []);
    if (found) return found;
  }
  return null;
};

const impurities = (code: string): readonly string[] =>
  IMPURE.filter(([, pattern]) => pattern.test(code)).map(([what]) => what);

describe('the reader of sources', () => {
  test('sees every form of import and none in a comment or a string', () => {
    const text = [
      "import { a } from './a.ts';",
      "import type {\n  B,\n} from './b.ts';",
      "export { c } from './c.ts';",
      "import './d.ts';",
      "const e = await import('./e.ts');",
      "// import { f } from './f.ts';",
      "/* import { g } from './g.ts'; */",
    ].join('\n');

    expect([...importsOf(text)].sort()).toEqual(['./a.ts', './b.ts', './c.ts', './d.ts', './e.ts']);
  });

  test('keeps code and drops comments, strings and regular expressions', () => {
    const template = '`x $' + '{process.pid} setTimeout`';
    const code = codeOf(`// Date.now\nconst a = 'Date.now'; const b = /Date.now'/; const c = ${template};`);

    expect(impurities(code)).toEqual(['the process']);
  });

  test.each([
    ['Date.now()', 'the clock'],
    ['new Date()', 'the clock'],
    ['Math.random()', 'randomness'],
    ['crypto.randomUUID()', 'randomness'],
    ['process.env', 'the process'],
    ["process['env']", 'the process'],
    ['setTimeout(f, 1)', 'a timer'],
    ['console.log(1)', 'output'],
    ["fetch('x')", 'the network'],
  ])('calls %s impure', (code, what) => {
    expect(impurities(codeOf(code))).toContain(what);
  });

  test('calls a date made from an argument pure', () => {
    expect(impurities('new Date(at).toISOString()')).toEqual([]);
  });

  test('finds a cycle', () => {
    const links = new Map([
      ['a', ['b']],
      ['b', ['c']],
      ['c', ['b']],
    ]);

    expect(cycleIn(links)).toEqual(['b', 'c', 'b']);
  });
});

describe('imports', () => {
  test('every folder of src/ has a place in the structure', () => {
    expect([...new Set(sources.map(partOf))].filter((part) => !(part in MAY_IMPORT))).toEqual([]);
  });

  test('lead to files that exist, named with their ending', () => {
    const broken = [...edges].flatMap(([file, targets]) =>
      targets.filter((target) => !sources.includes(target)).map((target) => `${file} -> ${target}`),
    );

    expect(broken).toEqual([]);
  });

  test('go only where the structure allows', () => {
    const wrong = [...edges].flatMap(([file, targets]) =>
      targets
        .filter((target) => partOf(target) !== partOf(file) && !MAY_IMPORT[partOf(file)]?.includes(partOf(target)))
        .map((target) => `${file} -> ${target}`),
    );

    expect(wrong).toEqual([]);
  });

  test('form no cycle, types included', () => {
    expect(cycleIn(edges)).toBeNull();
  });

  test('name a library only where it is known', () => {
    const wrong = [...graph].flatMap(([file, all]) =>
      all
        .filter((specifier) => !isRelative(specifier) && !specifier.startsWith('node:'))
        .filter((specifier) => !LIBRARIES[packageOf(specifier)]?.includes(partOf(file)))
        .map((specifier) => `${file} -> ${specifier}`),
    );

    expect(wrong).toEqual([]);
  });

  test('ports hold types only', () => {
    const values = files('src/ports/*.ts').filter((file) =>
      /\bexport\s+(?:async\s+)?(?:const|let|var|function|class)\b/.test(codeOf(textOf(file))),
    );

    expect(values).toEqual([]);
  });

  test.each(['sandbox', 'e2e', 'test/acceptance'])('%s imports nothing from src/', (folder) => {
    const wrong = files(`${folder}/**/*.ts`).flatMap((file) =>
      importsOf(textOf(file))
        .filter((specifier) => isRelative(specifier) && resolve(file, specifier).startsWith('src/'))
        .map((specifier) => `${file} -> ${specifier}`),
    );

    expect(wrong).toEqual([]);
  });
});

describe('purity', () => {
  test.each(PURE)('%s has no clock, randomness, timer, environment, output or network', (part) => {
    const wrong = files(`src/${part}/**/*.ts`).flatMap((file) =>
      impurities(codeOf(textOf(file))).map((what) => `${file}: ${what}`),
    );

    expect(wrong).toEqual([]);
  });

  test.each(PURE)('%s takes nothing from Node but a hash', (part) => {
    const wrong = files(`src/${part}/**/*.ts`).flatMap((file) =>
      importsOf(textOf(file))
        .filter((specifier) => specifier.startsWith('node:') && !PURE_NODE[part]?.includes(specifier))
        .map((specifier) => `${file} -> ${specifier}`),
    );
    const beyond = files(`src/${part}/**/*.ts`).filter((file) =>
      [...textOf(file).matchAll(/^import\s+(.*?)\s+from\s+'node:crypto'/gms)].some(
        ([, names]) => names !== '{ createHash }',
      ),
    );

    expect([...wrong, ...beyond]).toEqual([]);
  });
});

describe('form', () => {
  const all = files('src/**/*.ts', 'sandbox/**/*.ts', 'e2e/**/*.ts', 'scripts/*.ts', 'test/**/*.ts', 'bench/**/*.ts');

  const forbidden: readonly (readonly [what: string, pattern: RegExp, example: string])[] = [
    ['a default export', /\bexport\s+default\b/, 'export default 1;'],
    ['an enum', /\benum\s+\w+\s*\{/, 'const enum A { B }'],
    ['a class that is no error', /\bclass\s+\w+\b(?!\s+extends\s+\w*Error\b)/, 'class A extends B {}'],
    ['a namespace', /\bnamespace\s+\w+\s*\{/, 'namespace A {}'],
  ];

  test.each(forbidden)('no file has %s', (_, pattern, example) => {
    expect(pattern.test(codeOf(example))).toBe(true);
    expect(pattern.test(codeOf('class LockError extends Error {}'))).toBe(false);
    expect(all.filter((file) => pattern.test(codeOf(textOf(file))))).toEqual([]);
  });

  test('no module of src/ keeps state', () => {
    expect(sources.filter((file) => /^(?:export\s+)?(?:let|var)\s/m.test(codeOf(textOf(file))))).toEqual([]);
  });

  test('nothing silences the compiler or the linter', () => {
    const silencer = new RegExp(`@ts-(?:ignore|nocheck|expect-error)|${'biome'}-ignore`);

    expect(
      files('src/**/*.ts', 'sandbox/**/*.ts', 'e2e/**/*.ts').filter((file) => silencer.test(textOf(file))),
    ).toEqual([]);
  });

  test.each([
    [300, ['src/**/*.ts', 'sandbox/**/*.ts', 'e2e/**/*.ts', 'scripts/*.ts']],
    [400, ['test/**/*.ts']],
  ])('no file is longer than %i lines', (limit, patterns) => {
    const long = files(...patterns)
      .map((file) => `${file}: ${textOf(file).trimEnd().split('\n').length}`)
      .filter((entry) => Number(entry.split(': ')[1]) > limit);

    expect(long).toEqual([]);
  });

  test('file names are kebab-case', () => {
    expect(all.filter((file) => !/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.ts$/.test(posix.basename(file)))).toEqual([]);
  });
});
