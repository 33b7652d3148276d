// Makes a fresh clone ready: dependencies by the lock file, Node 24 among them. Runs on any Node that npm runs on.
import { execSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const stamp = 'node_modules/.canary-rollout-setup';
const wanted = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
const isCurrent = existsSync('node_modules/.bin/vitest') && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
if (!isCurrent) {
  console.log('installing dependencies by package-lock.json …');
  execSync('npm ci', { stdio: 'inherit' });
  writeFileSync(stamp, wanted);
}
