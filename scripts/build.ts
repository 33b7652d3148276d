// Builds dist/: `tsc` to lib/, then one minified bundle. Skipped while the sources are those of the last build.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const stamp = join(root, 'lib/.built');

const sourceHash = (): string => {
  const hash = createHash('sha256');
  const sources = globSync('src/**/*.ts', { cwd: root }).sort();
  for (const file of [...sources, 'scripts/build.ts', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
};

const run = (script: string, ...args: readonly string[]): void => {
  execFileSync(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root, stdio: 'inherit' });
};

interface Locked {
  readonly packages: Readonly<
    Record<
      string,
      { readonly version?: string; readonly license?: string; readonly dev?: boolean; readonly devOptional?: boolean }
    >
  >;
}

/** The licence of every package that may be in the bundle, by the lock file: ncc's own list leaves most of them out. */
const licences = (): string => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Locked;
  const shipped = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional,
  );
  return shipped
    .filter(([path]) => existsSync(join(root, path)))
    .map(([path, { version = '', license = 'see the package' }]) => {
      const file = readdirSync(join(root, path))
        .sort()
        .find((name) => /^(licen[cs]e|copying)/i.test(name));
      const text =
        file === undefined
          ? ''
          : readFileSync(join(root, path, file), 'utf8')
              .replaceAll('\r\n', '\n')
              .trim();
      return `${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)} ${version}\n${license}\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
};

/** Files of dist/ that the build makes; an older file of another name would stay in the release otherwise. */
export const build = (): void => {
  const hash = sourceHash();
  if (existsSync(join(root, 'dist/index.js')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  rmSync(join(root, 'lib'), { recursive: true, force: true });
  run('typescript/bin/tsc', '-p', 'tsconfig.build.json');
  run('@vercel/ncc/dist/ncc/cli.js', 'build', 'lib/main.js', '--minify', '--out', 'lib/bundle');
  writeFileSync(join(root, 'lib/bundle/licenses.txt'), licences());
  // Built beside it and put in place as a whole: whoever runs dist/ meanwhile finds the old one or the new one.
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  renameSync(join(root, 'lib/bundle'), join(root, 'dist'));
  writeFileSync(stamp, hash);
};

if (import.meta.main) build();
