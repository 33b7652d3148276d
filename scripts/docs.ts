// Writes the tables of README.md from the data that the code itself uses: `npm run docs`. A test holds them current.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from 'markdown-table';
import { INPUTS } from '../src/config/inputs.ts';
import { OUTPUTS } from '../src/config/outputs.ts';
import type { Permission } from '../src/core/objects.ts';
import { REASONS } from '../src/core/reason.ts';
import { mergePermissions, OWN_PERMISSIONS, roleYaml } from '../src/core/rights.ts';
import { METRIC_SOURCES } from '../src/metrics/index.ts';
import { routers as allRouters } from '../src/routers/index.ts';
import { WORKLOADS } from '../src/workloads/index.ts';
import { verdictRows } from './verdicts.ts';

const readme = join(import.meta.dirname, '../README.md');

const code = (text: string): string => `\`${text}\``;
/** A cell of a table: a pipe would end it, a line break the row. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  markdownTable(
    [head, ...rows].map((row) => row.map(cell)),
    { alignDelimiters: false, padding: true },
  );

const percent = (basisPoints: number): string => `${basisPoints / 100} %`;
const yesNo = (value: boolean): string => (value ? 'yes' : 'no');

/** A default that could be written as it stands, not a description of one. */
const value = (text: string): string => (/^(?:\S+|\$\{\{.*\}\})$/.test(text) ? code(text) : text);

const inputs = (): string => {
  const rows = INPUTS.map(({ name, default: fallback, meaning }) => [
    code(name),
    fallback === null ? '' : value(fallback),
    meaning,
  ]);
  return table(['Input', 'Default', 'Meaning'], rows);
};

const outputs = (): string =>
  table(
    ['Output', 'Meaning'],
    OUTPUTS.map(({ name, meaning }) => [code(name), meaning]),
  );

const reasons = (): string =>
  table(
    ['`reason-code`', 'Meaning'],
    Object.entries(REASONS).map(([name, meaning]) => [code(name), meaning]),
  );

const permissions = (): readonly Permission[] =>
  mergePermissions([...OWN_PERMISSIONS, ...[...WORKLOADS, ...allRouters].flatMap((adapter) => adapter.permissions)]);

const rights = (): string =>
  table(
    ['Group', 'Resource', 'Verbs', 'For'],
    permissions().map(({ group, resource, verbs, why }) => [
      group === '' ? '(core)' : code(group),
      code(resource),
      verbs.join(', '),
      why,
    ]),
  );

const role = (): string => ['```yaml', roleYaml(permissions(), 'shop').trimEnd(), '```'].join('\n');

const routers = (): string =>
  table(
    ['Router', 'Works on', 'Splits by', 'Finest weight', 'Verified without traffic', 'Header, cookie, mirror'],
    allRouters.map(({ name, kinds, abilities }) => [
      `[${code(name)}](docs/routers/${name}.md)`,
      kinds.length === 0 ? 'the number of pods' : kinds.map(({ kind }) => code(kind)).join(', '),
      abilities.unit,
      abilities.unit === 'pods' ? 'one pod' : percent(abilities.granularity),
      abilities.rung,
      [abilities.header, abilities.cookie, abilities.mirror].map(yesNo).join(', '),
    ]),
  );

const sources = (): string =>
  table(
    ['Source, by its input', 'Reads'],
    METRIC_SOURCES.map(({ name, title }) => [code(name), title]),
  );

const verdicts = (): string => table(['Verdict', 'The sentence in the report'], verdictRows());

const TABLES: Readonly<Record<string, () => string>> = {
  inputs,
  outputs,
  reasons,
  rights,
  role,
  routers,
  sources,
  verdicts,
};

/** The text with what stands between each pair of markers made anew. A marker that nothing is made for throws. */
export const withTables = (text: string): string =>
  text.replaceAll(/<!-- generated:([\w-]+) -->\n[\s\S]*?<!-- \/generated -->/g, (_, name: string) => {
    const make = TABLES[name];
    if (make === undefined) throw new Error(`README.md: no table is called ${name} (known: ${Object.keys(TABLES)})`);
    return `<!-- generated:${name} -->\n\n${make()}\n\n<!-- /generated -->`;
  });

if (import.meta.main) writeFileSync(readme, withTables(readFileSync(readme, 'utf8')));
