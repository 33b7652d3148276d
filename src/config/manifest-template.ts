import type { Issue } from '../core/outcome.ts';
import { type Fields, fieldsOf, isFields, listOf, textOf } from '../core/shape.ts';
import type { ImageChange } from '../core/spec.ts';
import type { Json } from '../core/units.ts';
import { imageProblem } from './images.ts';
import type { Found } from './manifest-documents.ts';
import type { Place } from './tree.ts';
import { quote, suggestion } from './words.ts';

/** The value as JSON: what YAML has beyond it (bytes, dates) becomes text, and nothing becomes null. */
export const jsonOf = (value: unknown): Json => {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (!isFields(value) || Object.getPrototypeOf(value) !== Object.prototype) return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, jsonOf(member)]));
};

const LISTS = ['containers', 'initContainers'] as const;

type Report = (path: readonly (string | number)[], message: string) => void;

interface Given {
  readonly images: readonly ImageChange[];
  readonly imagePlace: Place;
}

/**
 * The Deployment with `image` put into its containers, as `kustomize edit set image` does, and everything in it that can be
 * told without the cluster to be wrong.
 */
export const templateIssues = (
  { content, at }: Found,
  { images, imagePlace }: Given,
): { readonly deployment: { readonly [member: string]: Json }; readonly issues: readonly Issue[] } => {
  const issues: Issue[] = [];
  const report: Report = (path, message) => void issues.push({ ...at(path), message });
  if (content['apiVersion'] !== 'apps/v1')
    report(['apiVersion'], `${quote(String(content['apiVersion']))} is not served any more; write \`apps/v1\``);
  const spec = fieldsOf(content['spec']);
  const template = fieldsOf(spec['template']);
  const podSpec = fieldsOf(template['spec']);
  checkSelector(spec, template, report);
  checkTexts(template, report);
  const names = containerNames(podSpec);
  if (names.main.length === 0) report(['spec', 'template', 'spec', 'containers'], 'the pod template has no containers');
  const chosen = chooseImages(images, names, (message) => void issues.push({ ...imagePlace, message }));
  const lists = LISTS.filter((list) => podSpec[list] != null).map((list) => [
    list,
    listOf(podSpec[list]).map((container, index) =>
      readContainer(fieldsOf(container), ['spec', 'template', 'spec', list, index], chosen, report),
    ),
  ]);
  const deployment = {
    ...content,
    spec: { ...spec, template: { ...template, spec: { ...podSpec, ...Object.fromEntries(lists) } } },
  };
  return { deployment: fieldsOf(jsonOf(deployment)) as { readonly [member: string]: Json }, issues };
};

interface Names {
  readonly main: readonly string[];
  readonly all: readonly string[];
}

const containerNames = (podSpec: Fields): Names => {
  const namesIn = (list: string): readonly string[] =>
    listOf(podSpec[list]).flatMap((container) => textOf(fieldsOf(container)['name']) ?? []);
  const main = namesIn('containers');
  return { main, all: [...main, ...namesIn('initContainers')] };
};

const chooseImages = (
  images: readonly ImageChange[],
  { main, all }: Names,
  report: (message: string) => void,
): ReadonlyMap<string, string> => {
  const chosen = new Map<string, string>();
  for (const { container, image } of images) {
    const name = container ?? (main.length === 1 ? (main[0] ?? null) : null);
    if (name === null && main.length > 0)
      report(
        `the manifest has ${main.length} containers, so an image must say which one it is for: \`${main[0]}=${image}\``,
      );
    else if (name !== null && !all.includes(name))
      report(`the manifest has no container ${quote(name)}${suggestion(name, all)}`);
    else if (name !== null) chosen.set(name, image);
  }
  return chosen;
};

const PLACEHOLDER =
  /\$[{(]|\{\{|[<>%]|(?:^|[^a-z])(?:place-?holder|change[-_]?me|replace[-_]?(?:me|this|with)|to[-_]be[-_]replaced|your[-_]image|todo|tbd)(?:[^a-z]|$)|^[A-Z_]+$|:[A-Z]+_[A-Z_]+$/;

const readContainer = (
  container: Fields,
  path: readonly (string | number)[],
  chosen: ReadonlyMap<string, string>,
  report: Report,
): Fields => {
  const name = textOf(container['name']) ?? '';
  checkEnv(container['env'], [...path, 'env'], report);
  const given = chosen.get(name);
  if (given !== undefined) return { ...container, image: given };
  const { image } = container;
  const where = [...path, 'image'];
  const advice = 'give `image`, or put it in before this step';
  if (image === undefined || image === null) report(where, `the container ${quote(name)} has no image; ${advice}`);
  else if (typeof image !== 'string')
    report(
      where,
      `the image of ${quote(name)} is no text; is this a template that was not rendered? Else put it in quotes`,
    );
  else if (PLACEHOLDER.test(image) || /placeholder|changeme/i.test(image))
    report(
      where,
      `${quote(image)}, the image of ${quote(name)}, is a placeholder that nothing has replaced; ${advice}`,
    );
  else {
    const wrong = imageProblem(image);
    if (wrong !== null) report(where, `the image of ${quote(name)}: ${wrong}`);
  }
  return container;
};

/** The API server takes texts only, and says it without a line. The value is not shown: it may be a secret. */
const checkEnv = (env: unknown, path: readonly (string | number)[], report: Report): void => {
  listOf(env).forEach((entry, index) => {
    const { name, value } = fieldsOf(entry);
    if (value != null && typeof value !== 'string')
      report([...path, index, 'value'], `the value of ${quote(String(name))} must be a text; put it in quotes`);
  });
};

const checkTexts = (template: Fields, report: Report): void => {
  const metadata = fieldsOf(template['metadata']);
  for (const member of ['labels', 'annotations'])
    for (const [key, value] of Object.entries(fieldsOf(metadata[member])))
      if (typeof value !== 'string')
        report(['spec', 'template', 'metadata', member, key], `${quote(key)} must be a text; put it in quotes`);
};

/** The API server would refuse it too, but after all the rest was looked at. Expressions are left to it. */
const checkSelector = (spec: Fields, template: Fields, report: Report): void => {
  const wanted = fieldsOf(fieldsOf(spec['selector'])['matchLabels']);
  const labels = fieldsOf(fieldsOf(template['metadata'])['labels']);
  if (!isFields(spec['selector'])) report(['spec', 'selector'], 'the Deployment has no `spec.selector`');
  for (const [key, value] of Object.entries(wanted)) {
    if (labels[key] === value) continue;
    const has = labels[key] === undefined ? 'has no such label' : `has ${quote(String(labels[key]))}`;
    report(
      ['spec', 'selector', 'matchLabels', key],
      `the selector asks for ${quote(`${key}: ${String(value)}`)}, and the pod template ${has}; they must match`,
    );
  }
};
