import { setTimeout as sleep } from 'node:timers/promises';
import { PORT } from '../stack/settings.ts';

const disturb = async (namespace: string, factor: number): Promise<void> => {
  const url = `http://127.0.0.1:${PORT.farmMetrics}/incident?namespace=${namespace}&factor=${factor}`;
  const { status } = await fetch(url, { method: 'POST' });
  if (status !== 204) throw new Error(`${url}: ${status}`);
};

/** For so long every pod of the namespace fails `factor` times as often as it does by itself, whatever its version. */
export const haveIncident = async (namespace: string, factor: number, ms: number): Promise<void> => {
  await disturb(namespace, factor);
  await sleep(ms);
  await disturb(namespace, 1);
};
