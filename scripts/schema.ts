// Writes schema/canary.schema.json, the JSON Schema of the config file: `node scripts/schema.ts`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configJsonSchema } from '../src/config/shape.ts';

export const schemaText = (): string => `${JSON.stringify(configJsonSchema(), null, 2)}\n`;

if (import.meta.main) {
  const folder = join(import.meta.dirname, '../schema');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'canary.schema.json'), schemaText());
}
