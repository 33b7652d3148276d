import { groupOf, type ObjectRef } from '../../core/objects.ts';
import type { Owner } from '../../core/owner.ts';

/**
 * What to add where the owner is declared, so that it leaves our fields alone. Values come from names that Kubernetes has
 * checked (ours, the route's, the Service's), and from labels that were.
 */

type Token = { readonly kind: 'field' | 'entries' | 'entry'; readonly text: string };

/** `spec.rules[0].backendRefs[checkout].weight`: fields, all entries (`[0]`, `[]`), the entry of a name. */
const tokensOf = (field: string): readonly Token[] =>
  [...field.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)].map(([, name, entry = '']): Token => {
    if (name !== undefined) return { kind: 'field', text: name };
    return /^\d*$/.test(entry) ? { kind: 'entries', text: entry } : { kind: 'entry', text: entry };
  });

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];

/** One jq path for the field in every rule: `.spec.rules[]?.backendRefs[]? | select(.name == "checkout") | .weight`. */
const jqPath = (field: string): string =>
  tokensOf(field).reduce((path, { kind, text }) => {
    if (kind === 'entries') return `${path}[]?`;
    if (kind === 'entry') return `${path}[]? | select(.name == ${JSON.stringify(text)})`;
    return path.endsWith(')') ? `${path} | .${text}` : `${path}.${text}`;
  }, '');

/** JSON Pointers know no names, only places: down to the list that has the entry. */
const pointer = (field: string): string => {
  const tokens = tokensOf(field);
  const end = tokens.findIndex(({ kind, text }) => kind === 'entry' || (kind === 'entries' && text === ''));
  return tokens
    .slice(0, end === -1 ? tokens.length : end)
    .map(({ text }) => `/${text.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
};

/** `fields` as a router names them, or JSON Pointers. null: the owner does nothing by itself, or nothing is to be left alone. */
export const snippetFor = (owner: Owner, ref: ObjectRef, fields: readonly string[]): string | null => {
  if (fields.length === 0) return null;
  switch (owner.tool) {
    case 'argo-cd':
      return lines([...ARGO_CD_NOTE, ...argoCd(owner, ref, fields)]);
    case 'kustomization':
      return lines([...KUSTOMIZATION_NOTE, ...kustomization(owner, ref, pointersOf(fields))]);
    case 'helm-release':
      return lines(helmRelease(owner, ref, pointersOf(fields)));
    case 'helm':
      return null;
  }
};

const lines = (texts: readonly string[]): string => texts.join('\n');
const isPointer = (field: string): boolean => field.startsWith('/');
const pointersOf = (fields: readonly string[]): readonly string[] =>
  unique(fields.map((field) => (isPointer(field) ? field : pointer(field))));

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const metadata = ({ name, namespace }: Owner): readonly string[] => [
  ...(name === null ? [] : ['metadata:', `  name: ${name}`]),
  ...(name === null || namespace === null ? [] : [`  namespace: ${namespace}`]),
];

/** With RespectIgnoreDifferences a sync takes lists of custom resources whole from the cluster: https://github.com/argoproj/argo-cd/issues/17694. */
const ARGO_CD_NOTE = ['# While this is there, a sync does not change these lists; take it out to change them in git.'];

/** https://argo-cd.readthedocs.io/en/stable/user-guide/diffing/ and …/sync-options/#respect-ignore-difference-configs */
const argoCd = (owner: Owner, ref: ObjectRef, fields: readonly string[]): readonly string[] => {
  const jq = unique(fields.filter((field) => !isPointer(field)).map(jqPath));
  const pointers = fields.filter(isPointer);
  return [
    'apiVersion: argoproj.io/v1alpha1',
    'kind: Application',
    ...metadata(owner),
    'spec:',
    '  ignoreDifferences:',
    `    - group: ${groupOf(ref) === '' ? '""' : groupOf(ref)}`,
    `      kind: ${ref.kind}`,
    `      name: ${ref.name}`,
    `      namespace: ${ref.namespace}`,
    ...(jq.length === 0 ? [] : ['      jqPathExpressions:', ...jq.map((path) => `        - ${quoted(path)}`)]),
    ...(pointers.length === 0 ? [] : ['      jsonPointers:', ...pointers.map((path) => `        - ${quoted(path)}`)]),
    '  syncPolicy:',
    '    syncOptions:',
    '      - RespectIgnoreDifferences=true',
  ];
};

const target = (ref: ObjectRef, indent: string): readonly string[] =>
  [
    'target:',
    ...(groupOf(ref) === '' ? [] : [`  group: ${groupOf(ref)}`]),
    `  kind: ${ref.kind}`,
    `  name: ${ref.name}`,
    `  namespace: ${ref.namespace}`,
  ].map((line) => `${indent}${line}`);

const KUSTOMIZATION_NOTE = [
  '# kustomize-controller 1.9 or later; before that, on the object in git, the annotation',
  '# kustomize.toolkit.fluxcd.io/ssa: IfNotPresent (Merge is not enough: these lists have one owner).',
];

/** https://fluxcd.io/flux/components/kustomize/kustomizations/#ignore-rules: what another tool patches is adopted. */
const kustomization = (owner: Owner, ref: ObjectRef, pointers: readonly string[]): readonly string[] => [
  'apiVersion: kustomize.toolkit.fluxcd.io/v1',
  'kind: Kustomization',
  ...metadata(owner),
  'spec:',
  '  ignore:',
  '    - paths:',
  ...pointers.map((path) => `        - ${quoted(path)}`),
  ...target(ref, '      '),
];

/** https://fluxcd.io/flux/components/helm/helmreleases/#ignore-rules */
const helmRelease = (owner: Owner, ref: ObjectRef, pointers: readonly string[]): readonly string[] => [
  'apiVersion: helm.toolkit.fluxcd.io/v2',
  'kind: HelmRelease',
  ...metadata(owner),
  'spec:',
  '  driftDetection:',
  '    ignore:',
  '      - paths:',
  ...pointers.map((path) => `          - ${quoted(path)}`),
  ...target(ref, '        '),
];
