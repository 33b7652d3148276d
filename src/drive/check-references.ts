import { distance } from 'fastest-levenshtein';
import { CONFIG_MAP, type KubeObject, listRef, objectRef, SECRET } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import { type Reference, referencesOf } from '../core/references.ts';
import { fieldsOf } from '../core/shape.ts';
import type { Manifest } from '../core/spec.ts';
import type { Json } from '../core/units.ts';
import type { CallResult, Cluster } from '../ports/cluster.ts';
import { errorFinding } from './findings.ts';

export interface CheckedTemplate {
  readonly namespace: string;
  readonly template: Json;
  /** Where the template comes from; null: it is the one that stable had before. */
  readonly manifest: Manifest | null;
}

const TYPES = { ConfigMap: CONFIG_MAP, Secret: SECRET } as const;
/** Beyond it the rest is told as not checked. */
const MOST = 100;

type Answer = { readonly reference: Reference; readonly answer: CallResult<KubeObject> };

/** Whether the ConfigMaps and Secrets that a pod template names are there. Of Secrets only the names are asked for. */
export const checkReferences = async (
  cluster: Cluster,
  checked: CheckedTemplate,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const references = referencesOf(checked.template);
  const answers = await Promise.all(
    references.slice(0, MOST).map(async (reference): Promise<Answer> => {
      const ref = objectRef(TYPES[reference.kind], checked.namespace, reference.name);
      const asked = reference.kind === 'Secret' ? { ...ref, nameOnly: true as const } : ref;
      return { reference, answer: await cluster.read(asked, signal) };
    }),
  );
  const missing = answers.filter(({ answer }) => answer.kind === 'missing').map(({ reference }) => reference);
  const unread = answers.filter(({ answer }) => answer.kind !== 'missing' && answer.kind !== 'ok');
  return [
    ...(await missingFindings(cluster, checked, missing, signal)),
    ...answers.flatMap((one) => keyFindings(one, checked)),
    // Whoever goes back wants to be there soon, and the pods of then had them.
    ...notChecked(
      checked.manifest === null ? [] : [...unread.map(({ reference }) => reference), ...references.slice(MOST)],
    ),
  ];
};

const whereOf = ({ manifest }: CheckedTemplate): string => manifest?.file ?? 'the version before';

const codeOf = ({ manifest }: CheckedTemplate): 'invalid-config' | 'refused-by-cluster' =>
  manifest === null ? 'refused-by-cluster' : 'invalid-config';

const missingFindings = async (
  cluster: Cluster,
  checked: CheckedTemplate,
  missing: readonly Reference[],
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const kinds = [...new Set(missing.map(({ kind }) => kind))];
  const names = new Map(
    await Promise.all(
      kinds.map(async (kind) => {
        const listed = await cluster.list({ ...listRef(TYPES[kind], checked.namespace), nameOnly: true }, signal);
        return [kind, listed.kind === 'ok' ? listed.value.map(({ metadata }) => metadata.name) : []] as const;
      }),
    ),
  );
  return missing.map((reference) => {
    const { kind, name, where } = reference;
    return errorFinding(
      codeOf(checked),
      `${whereOf(checked)}: ${where}`,
      `${kind} ${checked.namespace}/${name} does not exist, and without it no pod of the new version starts`,
      adviceFor(reference, checked, names.get(kind) ?? []),
    );
  });
};

const adviceFor = ({ kind, name }: Reference, { manifest }: CheckedTemplate, names: readonly string[]): string => {
  const written = manifest?.others.find((other) => other.kind === kind && other.name === name);
  if (written !== undefined)
    return `${manifest?.file} has it on line ${written.line}: apply it before the release, which creates nothing but the canary`;
  const near = nearest(name, names);
  const meant = near === null ? '' : `; did you mean ${near}?`;
  return `create it before the release, or mark it \`optional: true\`${meant}`;
};

const nearest = (name: string, names: readonly string[]): string | null => {
  const [best] = names
    .map((other) => ({ other, steps: distance(name, other) }))
    .sort((one, other) => one.steps - other.steps);
  return best === undefined || best.steps > Math.max(1, Math.floor(name.length / 3)) ? null : best.other;
};

/** Of ConfigMaps only: the keys of a Secret are not read. */
const keyFindings = ({ reference, answer }: Answer, checked: CheckedTemplate): readonly Finding[] => {
  if (answer.kind !== 'ok' || reference.kind === 'Secret') return [];
  const known = Object.keys({ ...fieldsOf(answer.value['data']), ...fieldsOf(answer.value['binaryData']) });
  const lacking = reference.keys.filter((key) => !known.includes(key));
  if (lacking.length === 0) return [];
  const near = nearest(lacking[0] ?? '', known);
  return [
    errorFinding(
      codeOf(checked),
      `${whereOf(checked)}: ${reference.where}`,
      `ConfigMap ${checked.namespace}/${reference.name} has no key ${lacking.join(', ')}, and without it no pod of the new version starts`,
      near === null ? `its keys: ${known.slice(0, 10).join(', ') || 'none'}` : `did you mean ${near}?`,
    ),
  ];
};

const notChecked = (references: readonly Reference[]): readonly Finding[] => {
  if (references.length === 0) return [];
  const names = references.slice(0, 10).map(({ kind, name }) => `${kind} ${name}`);
  const more = references.length > names.length ? `, and ${references.length - names.length} more` : '';
  return [
    {
      severity: 'warning',
      code: 'invalid-config',
      where: 'cluster',
      message: `whether these exist was not checked, because they cannot be read: ${names.join(', ')}${more}`,
      advice: 'the right to `get` them is enough; of Secrets only the names are asked for',
    },
  ];
};
