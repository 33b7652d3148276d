// Writes description.json, the part of @octokit/openapi that the sandbox plays: `node sandbox/github/describe.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROUTES } from './routes.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Path = readonly string[];
type Tree = Map<string, Tree | Json>;

const whole = (): Json => {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json');
  return JSON.parse(readFileSync(file, 'utf8')) as Json;
};

const at = (document: Json, path: Path): Json =>
  path.reduce<Json>((value, key) => (value as Readonly<Record<string, Json>>)[key] ?? null, document);

const place = (tree: Tree, [key = '', ...rest]: Path, value: Json): void => {
  if (rest.length === 0) {
    tree.set(key, value);
    return;
  }
  const branch = tree.get(key) ?? new Map<string, Tree | Json>();
  tree.set(key, branch);
  place(branch as Tree, rest, value);
};

const plain = (tree: Tree | Json): unknown =>
  tree instanceof Map ? Object.fromEntries([...tree].map(([key, value]) => [key, plain(value)])) : tree;

const referencesIn = (value: Json): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : referencesIn(inner),
  );
};

/** The operations of the routes, and all they refer to. */
export const describedPart = (): unknown => {
  const document = whole();
  const tree: Tree = new Map();
  const open: Path[] = ROUTES.map(([method, template]) => ['paths', template, method.toLowerCase()]);
  const seen = new Set<string>();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const name = path.join('\n');
    if (seen.has(name)) continue;
    seen.add(name);
    const value = at(document, path);
    place(tree, path, value);
    open.push(...referencesIn(value).map((reference) => reference.replace('#/', '').split('/')));
  }
  return plain(tree);
};

export const descriptionText = (): string => `${JSON.stringify(describedPart())}\n`;

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'description.json'), descriptionText());
