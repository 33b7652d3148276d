import { expect, test } from 'vitest';
import { drawPicture } from '../../bench/judgement/picture.ts';

test('the picture of docs/judgement.md shows what the decider does', async () => {
  const picture = drawPicture();

  expect(picture).not.toMatch(/NaN|undefined|Infinity/);
  await expect(picture).toMatchFileSnapshot('../../docs/images/judgement.svg');
});
