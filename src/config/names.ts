import type { Report, Tree } from './tree.ts';
import { quote } from './words.ts';

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** A name of at most 63 characters without dots: namespaces, Services, containers. */
export const isDnsLabel = (name: string): boolean => LABEL.test(name);

/** A name of at most 253 characters: Deployments, routes. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export const isDnsSubdomain = (name: string): boolean => name.length <= 253 && SUBDOMAIN.test(name);

/** A number, or the name of a port: https://www.rfc-editor.org/rfc/rfc6335#section-5.1 */
export const isPort = (text: string): boolean =>
  /^\d+$/.test(text) ? Number(text) >= 1 && Number(text) <= 65_535 : /^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/.test(text);

export type NameForm = 'label' | 'subdomain';

/** Why a name is none that Kubernetes accepts; null when it is. */
export const nameProblem = (name: string, form: NameForm): string | null => {
  const fits = form === 'label' ? isDnsLabel(name) : isDnsSubdomain(name);
  if (fits) return null;
  if (name === '') return 'the name is empty';
  const most = form === 'label' ? 63 : 253;
  if (name.length > most) return `${quote(name)} is longer than the ${most} characters that a name may have`;
  const lower = name.toLowerCase();
  const meant = lower !== name && (form === 'label' ? isDnsLabel(lower) : isDnsSubdomain(lower));
  const allowed = form === 'label' ? 'lower-case letters, digits and `-`' : 'lower-case letters, digits, `-` and `.`';
  return `${quote(name)} is not a name: ${allowed} only, with a letter or digit at both ends${meant ? `; did you mean \`${lower}\`?` : ''}`;
};

/** The name that an input or key holds, or null after reporting. */
export const readName = (tree: Tree, form: NameForm, report: Report): string | null => {
  if (tree.kind !== 'scalar') return null;
  const name = tree.text.trim();
  const wrong = nameProblem(name, form);
  if (wrong !== null) report(tree.place, wrong);
  return wrong === null ? name : null;
};
