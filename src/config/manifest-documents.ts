import { type Document, isNode, LineCounter, parseAllDocuments, type Tags } from 'yaml';
import type { Issue } from '../core/outcome.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../core/shape.ts';
import { syntaxMessage } from './document.ts';
import type { Place } from './tree.ts';
import { below, quote } from './words.ts';

/** What `kustomize build` prints of a large application is far below it. */
const LONGEST_TEXT = 1024 * 1024;
/** Aliases can make a small text unfold into a huge document. */
const MOST_ALIASES = 100;
const DEEPEST_LIST = 3;
/** What follows walks it by recursion; no object of Kubernetes is half as deep. */
const DEEPEST = 100;

/** One object of a manifest file, with the places of its parts. */
export interface Found {
  readonly content: Fields;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | null;
  /** Where a part stands; the nearest part around it that exists where it does not. */
  readonly at: (path: readonly (string | number)[]) => Place;
}

export interface ManifestText {
  /** null: it cannot be read at all. */
  readonly objects: readonly Found[] | null;
  readonly issues: readonly Issue[];
}

/**
 * YAML as kubectl reads it: version 1.1, in which `0644` is octal and `yes` is true, but without its times and numbers to
 * the base of 60. https://github.com/kubernetes-sigs/yaml/tree/master/goyaml.v2
 */
const asKubectl = (tags: Tags): Tags =>
  tags.filter(
    (tag) => typeof tag === 'string' || !(('format' in tag && tag.format === 'TIME') || /timestamp$/.test(tag.tag)),
  );

/** All objects of a manifest: of several documents, and of Lists in them. Empty documents do not count. Never throws. */
export const readDocuments = (file: string, text: string): ManifestText => {
  const start: Place = { file, line: 1, column: 1, path: '' };
  const refuse = (message: string, place = start): ManifestText => ({ objects: null, issues: [{ ...place, message }] });
  if (text.length > LONGEST_TEXT) return refuse('the text is longer than 1 MiB');
  const lines = new LineCounter();
  const placeAt = (offset: number, path = ''): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), path };
  };
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter: lines,
      prettyErrors: false,
      version: '1.1',
      customTags: asKubectl,
    });
    const documents = Array.isArray(parsed) ? parsed : [];
    // One slip makes the parser stumble over all that follows: its first error is the one to mend.
    const [first] = documents.flatMap(({ errors }) => errors);
    if (first !== undefined) return refuse(`${syntaxMessage(first)}${templateHint(text)}`, placeAt(first.pos[0]));
    return gather(documents, placeAt);
  } catch (error) {
    return refuse(`it cannot be read as YAML: ${error instanceof Error ? error.message.split('\n')[0] : 'unknown'}`);
  }
};

const templateHint = (text: string): string =>
  text.includes('{{') && text.includes('}}')
    ? '; it has `{{ }}` in it: a template has to be rendered first, with `helm template` for one'
    : '';

type PlaceAt = (offset: number, path?: string) => Place;

const gather = (documents: readonly Document[], placeAt: PlaceAt): ManifestText => {
  const issues: Issue[] = [];
  const objects = documents.flatMap((document) => {
    const content: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    if (content === null || content === undefined) return [];
    const at = (path: readonly (string | number)[]): Place => placeAt(offsetOf(document, path), pathText(path));
    if (isDeep(content)) {
      issues.push({ ...at([]), message: 'nested too deeply' });
      return [];
    }
    return unfold(content, [], at, (place, message) => issues.push({ ...place, message }), 0);
  });
  return { objects, issues };
};

const isDeep = (content: unknown): boolean => {
  let level: readonly unknown[] = [content];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    level = [...new Set(level.flatMap((one) => (isFields(one) ? Object.values(one) : listOf(one))))].filter(
      (one) => typeof one === 'object' && one !== null,
    );
  }
  return false;
};

const pathText = (path: readonly (string | number)[]): string => path.reduce<string>(below, '');

const offsetOf = (document: Document, path: readonly (string | number)[]): number => {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range != null) return node.range[0];
  }
  return document.contents?.range?.[0] ?? 0;
};

const unfold = (
  content: unknown,
  path: readonly (string | number)[],
  at: Found['at'],
  report: (place: Place, message: string) => void,
  depth: number,
): readonly Found[] => {
  const fields = fieldsOf(content);
  const kind = textOf(fields['kind']);
  if (!isFields(content) || kind === null || textOf(fields['apiVersion']) === null) {
    report(at(path), 'no object of Kubernetes: one has `apiVersion`, `kind` and `metadata`');
    return [];
  }
  if (kind.endsWith('List') && Array.isArray(fields['items']) && depth < DEEPEST_LIST)
    return listOf(fields['items']).flatMap((item, index) =>
      unfold(item, [...path, 'items', index], at, report, depth + 1),
    );
  const metadata = fieldsOf(fields['metadata']);
  const name = textOf(metadata['name']) ?? textOf(metadata['generateName']);
  if (name === null) {
    report(at([...path, 'metadata']), `the ${quote(kind)} has no name: \`metadata.name\` is missing`);
    return [];
  }
  const namespace = textOf(metadata['namespace']);
  return [{ content: fields, kind, name, namespace, at: (inside) => at([...path, ...inside]) }];
};
