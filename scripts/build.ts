// Builds dist/: `tsc` to lib/, then one minified bundle. Skipped while the sources are those of the last build.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const stamp = join(root, 'lib/.built');

const sourceHash = (): string => {
  const hash = createHash('sha256');
  const sources = globSync('src/**/*.ts', { cwd: root }).sort();
  for (const file of [...sources, 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
};

const run = (script: string, ...args: readonly string[]): void => {
  execFileSync(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root, stdio: 'inherit' });
};

/** Files of dist/ that the build makes; an older file of another name would stay in the release otherwise. */
export const build = (): void => {
  const hash = sourceHash();
  if (existsSync(join(root, 'dist/index.js')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  for (const folder of ['lib', 'dist']) rmSync(join(root, folder), { recursive: true, force: true });
  run('typescript/bin/tsc', '-p', 'tsconfig.build.json');
  mkdirSync(join(root, 'dist'), { recursive: true });
  run('@vercel/ncc/dist/ncc/cli.js', 'build', 'lib/main.js', '--minify', '--out', 'dist', '--license', 'licenses.txt');
  writeFileSync(stamp, hash);
};

if (import.meta.main) build();
