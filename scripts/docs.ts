// Writes the tables of README.md and docs/hazards.md from the data that the code itself uses: `npm run docs`. A test holds them current.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from 'markdown-table';
import { INPUTS } from '../src/config/inputs.ts';
import { OUTPUTS } from '../src/config/outputs.ts';
import type { Permission } from '../src/core/objects.ts';
import { REASONS } from '../src/core/reason.ts';
import { mergePermissions, OWN_PERMISSIONS, roleYaml } from '../src/core/rights.ts';
import { HAZARDS } from '../src/hazards/index.ts';
import { METRIC_SOURCES } from '../src/metrics/index.ts';
import { routers as allRouters } from '../src/routers/index.ts';
import { WORKLOADS } from '../src/workloads/index.ts';
import { verdictRows } from './verdicts.ts';

/** Files with tables, from the root. */
export const WITH_TABLES: readonly string[] = ['README.md', 'docs/hazards.md'];

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
  mergePermissions([
    ...OWN_PERMISSIONS,
    ...[...WORKLOADS, ...allRouters, ...HAZARDS].flatMap((adapter) => adapter.permissions),
  ]);

/** Those that may be left out stand in brackets. */
const verbsOf = ({ verbs, optional = [] }: Permission): string =>
  [...verbs, ...optional.map((verb) => `(${verb})`)].join(', ');

const rights = (): string =>
  table(
    ['Group', 'Resource', 'Verbs', 'For'],
    permissions().map((permission) => [
      permission.group === '' ? '(core)' : code(permission.group),
      code(permission.resource),
      verbsOf(permission),
      permission.why,
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

const hazards = (): string =>
  table(
    ['What is in the cluster', 'What the rollout does', 'Refused as', 'What lets it go on'],
    HAZARDS.flatMap(({ rows }) => rows).map(({ hazard, handling, code: reason, override }) => [
      hazard,
      handling,
      reason === null ? '' : code(reason),
      override ?? '',
    ]),
  );

const TABLES: Readonly<Record<string, () => string>> = {
  inputs,
  outputs,
  reasons,
  rights,
  role,
  routers,
  sources,
  verdicts,
  hazards,
};

/** The text with what stands between each pair of markers made anew. A marker that nothing is made for throws. */
export const withTables = (text: string): string =>
  text.replaceAll(/<!-- generated:([\w-]+) -->\n[\s\S]*?<!-- \/generated -->/g, (_, name: string) => {
    const make = TABLES[name];
    if (make === undefined) throw new Error(`no table is called ${name} (known: ${Object.keys(TABLES)})`);
    return `<!-- generated:${name} -->\n\n${make()}\n\n<!-- /generated -->`;
  });

const rewrite = (file: string): void => {
  const path = join(import.meta.dirname, '..', file);
  writeFileSync(path, withTables(readFileSync(path, 'utf8')));
};

if (import.meta.main) WITH_TABLES.forEach(rewrite);
