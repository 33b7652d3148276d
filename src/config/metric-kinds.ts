import type { AskedMetric } from '../core/spec.ts';
import { isMisspelt } from './metric-fields.ts';
import { METRIC_KEYS } from './shape.ts';
import { entryOf, type MapTree, type Report } from './tree.ts';

type Kind = AskedMetric['kind'];

const KINDS = ['counted', 'latency', 'measured', 'preset'] as const satisfies readonly Kind[];
/** The keys that make a metric one of its kind. */
const OWN: Readonly<Record<Kind, readonly string[]>> = {
  counted: ['requests', 'failures'],
  latency: ['histogram'],
  measured: ['query'],
  preset: ['preset'],
};
const EVIDENCE = ['ceiling', 'floor', 'slo', 'burn-rate'];
/** What may be said of a metric of that kind alone; the other keys are for all. */
const LIMITS: Readonly<Record<Kind, readonly string[]>> = {
  counted: EVIDENCE,
  latency: [...EVIDENCE, 'bound', 'unit'],
  measured: ['min', 'max', 'max-increase', 'unit', 'failure-limit', 'failed-checks', 'every'],
  preset: [...EVIDENCE, 'bound'],
};
const ALL_OWN = KINDS.flatMap((kind) => OWN[kind]);

const slashed = (kind: Kind): string => OWN[kind].map((key) => `\`${key}\``).join('/');
/** `a`, `b` or `c`. */
const joined = (kinds: readonly Kind[], word: 'and' | 'or'): string => {
  const names = kinds.map(slashed);
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} ${word} ${last}`;
};
const ONE_OF = joined(KINDS, 'or');

/** Which kind of metric it is. null after reporting: none, or several. Keys of other kinds are mistakes, not noise. */
export const kindOf = (tree: MapTree, report: Report): Kind | null => {
  const found = KINDS.filter((kind) => OWN[kind].some((key) => entryOf(tree, key) !== null));
  const [kind, ...others] = found;
  if (kind === undefined) {
    if (!isMisspelt(tree, ALL_OWN, METRIC_KEYS))
      report(tree.place, `nothing to judge is named: one of ${ONE_OF} is needed`);
    return null;
  }
  if (others.length > 0) {
    report(tree.place, `${joined(found, 'and')} are given; a metric has one of ${ONE_OF}`);
    return null;
  }
  for (const key of OWN[kind]) {
    if (entryOf(tree, key) === null && !isMisspelt(tree, [key], METRIC_KEYS))
      report(tree.place, `\`${key}\` is missing: a counted metric has \`requests\` and \`failures\``);
  }
  reportForeign(tree, kind, report);
  return kind;
};

const reportForeign = (tree: MapTree, kind: Kind, report: Report): void => {
  for (const { key, place } of tree.entries) {
    const owners = KINDS.filter((one) => LIMITS[one].includes(key));
    if (owners.length === 0 || owners.includes(kind)) continue;
    report(place, `\`${key}\` belongs to a metric with ${joined(owners, 'or')}; this one has ${slashed(kind)}`);
  }
};
