import type { Issue } from '../core/outcome.ts';
import { fieldsOf, isFields, textOf } from '../core/shape.ts';
import type { ImageChange, Manifest, ManifestObject } from '../core/spec.ts';
import { type Reading, soundOf } from './fields.ts';
import { type Found, readDocuments } from './manifest-documents.ts';
import { jsonOf, templateIssues } from './manifest-template.ts';
import { pathProblem } from './path.ts';
import type { Place } from './tree.ts';
import { nearest, quote } from './words.ts';

/** Which Deployment is meant, and what is put into it. */
export interface Wanted {
  readonly deployment: string;
  /** null: not known before the cluster is. */
  readonly namespace: string | null;
  readonly images: readonly ImageChange[];
  /** Where `image` was given. */
  readonly imagePlace: Place;
}

/** The file that `manifest` names, with the one Deployment that is meant. null: not given, or every mistake is reported. */
export const readManifest = (reading: Reading, wanted: Wanted | null): Manifest | null => {
  const tree = soundOf(reading, 'manifest');
  if (tree?.kind !== 'scalar') return null;
  const path = tree.text.trim();
  const wrong = pathProblem(path, 'the manifest');
  if (wrong !== null) reading.report(tree.place, wrong);
  if (wrong !== null) return null;
  const read = reading.workspaceFile(path);
  if (read.kind !== 'read') {
    const missing = `${quote(path)} does not exist in the workspace; is there a checkout step, or the step that writes it, before this one?`;
    reading.report(tree.place, read.kind === 'missing' ? missing : read.why);
    return null;
  }
  const { objects, issues } = readDocuments(path, read.text);
  for (const { message, ...place } of issues) reading.report(place, message);
  if (objects === null || issues.length > 0 || wanted === null) return null;
  return manifestOf(path, objects, wanted, (issue) => reading.report(issue, issue.message));
};

const manifestOf = (
  file: string,
  objects: readonly Found[],
  wanted: Wanted,
  report: (issue: Issue) => void,
): Manifest | null => {
  const start: Place = { file, line: 1, column: 1, path: '' };
  const picked = pick(objects, wanted, start);
  if (!('content' in picked)) {
    report(picked);
    return null;
  }
  const { deployment, issues } = templateIssues(picked, wanted);
  for (const issue of issues) report(issue);
  const placeOf = (...path: readonly string[]) => {
    const { line, column } = picked.at(path);
    return { line: line ?? 1, column: column ?? 1 };
  };
  return {
    file,
    deployment,
    namespace: picked.namespace,
    places: {
      deployment: placeOf(),
      namespace: placeOf('metadata', 'namespace'),
      selector: placeOf('spec', 'selector'),
      template: placeOf('spec', 'template'),
    },
    others: objects.filter((object) => object !== picked).map(otherOf),
  };
};

/** The Deployment that is meant, or why there is none. */
const pick = (objects: readonly Found[], { deployment, namespace }: Wanted, start: Place): Found | Issue => {
  const deployments = objects.filter(({ kind }) => kind === 'Deployment');
  const named = deployments.filter(({ name }) => name === deployment);
  const here = named.filter((one) => namespace === null || one.namespace === null || one.namespace === namespace);
  const [first, second] = here;
  if (first !== undefined && second !== undefined) return { ...second.at([]), message: twice(first, second) };
  if (first !== undefined) return first;
  const [elsewhere] = named;
  if (elsewhere !== undefined)
    return {
      ...elsewhere.at(['metadata', 'namespace']),
      message: `the Deployment ${quote(deployment)} is for the namespace ${quote(elsewhere.namespace ?? '')}, and the release is in ${quote(namespace ?? '')}; change one of them`,
    };
  return missing(objects, deployments, deployment, start);
};

const twice = (first: Found, second: Found): string => {
  const { line } = first.at([]);
  const why =
    first.namespace === second.namespace
      ? 'leave one of them'
      : 'give `namespace`, which says which of them is released';
  return `a second Deployment ${quote(second.name)}, after the one on line ${line}; ${why}`;
};

const missing = (objects: readonly Found[], deployments: readonly Found[], deployment: string, start: Place): Issue => {
  const namesake = objects.find(
    ({ kind, name, content }) =>
      name === deployment && isFields(fieldsOf(content['spec'])['template']) && kind !== 'Deployment',
  );
  if (namesake !== undefined)
    return {
      ...namesake.at(['kind']),
      message: `${quote(deployment)} is a ${namesake.kind} here; only a Deployment can be released step by step`,
    };
  const names = deployments.map(({ name }) => name);
  const near = nearest(deployment, names);
  const other = deployments.find(({ name }) => name === near);
  if (other !== undefined)
    return {
      ...other.at(['metadata', 'name']),
      message: `no Deployment ${quote(deployment)}; did you mean this one, ${quote(other.name)}?`,
    };
  const known =
    names.length === 0
      ? 'it has no Deployment at all'
      : `its Deployments: ${names.slice(0, MOST_NAMES).map(quote).join(', ')}${names.length > MOST_NAMES ? ', …' : ''}`;
  return { ...start, message: `no Deployment ${quote(deployment)} in it; ${known}` };
};

const MOST_NAMES = 10;

/** Nothing is kept of a Secret, or of what nobody compares. */
const COMPARED: Readonly<Record<string, readonly string[]>> = {
  'v1 ConfigMap': ['data', 'binaryData'],
  'v1 Service': ['spec'],
};

const otherOf = ({ content, kind, name, namespace, at }: Found): ManifestObject => {
  const apiVersion = textOf(content['apiVersion']) ?? '';
  const members = COMPARED[`${apiVersion} ${kind}`];
  const kept = members?.filter((member) => content[member] != null);
  return {
    apiVersion,
    kind,
    namespace,
    name,
    line: at([]).line ?? 1,
    content: kept === undefined ? null : Object.fromEntries(kept.map((member) => [member, jsonOf(content[member])])),
  };
};
