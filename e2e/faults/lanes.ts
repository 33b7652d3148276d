import type { World } from './world.ts';

export interface OpenWorld {
  readonly world: World;
  close(): Promise<void>;
}

/**
 * Works a list off in several worlds at once, one item after the other in each. `run` tells whether the world is as it
 * was; if not, the next item gets a new one.
 */
export const inLanes = async <Item>(
  items: readonly Item[],
  width: number,
  open: (name: string) => Promise<OpenWorld>,
  run: (world: World, item: Item) => Promise<{ readonly isClean: boolean }>,
): Promise<void> => {
  const waiting = [...items];
  const lane = async (index: number): Promise<void> => {
    let opened: OpenWorld | null = null;
    let turn = 0;
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      turn += opened === null ? 1 : 0;
      opened ??= await open(`${index}-${turn}`);
      const { isClean } = await run(opened.world, item);
      if (isClean) continue;
      await opened.close();
      opened = null;
    }
    await opened?.close();
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, (_, index) => lane(index + 1)));
};
