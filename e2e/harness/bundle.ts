import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BUNDLE } from './action.ts';

/** One bundle for the whole run, whatever is built meanwhile: for the processes that this one starts, until it ends. */
export const keepBundle = (): void => {
  if (!fs.existsSync(BUNDLE)) throw new Error(`there is no ${BUNDLE}: run npm run build first`);
  const copy = fs.mkdtempSync(join(tmpdir(), 'canary-rollout-bundle-'));
  fs.cpSync(dirname(BUNDLE), join(copy, 'dist'), { recursive: true });
  fs.copyFileSync(join(BUNDLE, '../../action.yml'), join(copy, 'action.yml'));
  process.env['CANARY_E2E_BUNDLE'] = join(copy, 'dist/index.js');
  process.on('exit', () => fs.rmSync(copy, { recursive: true, force: true }));
};
