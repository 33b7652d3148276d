import type { CountedSpec } from '../core/spec.ts';
import { piecesOf, type Report, type Tree } from './tree.ts';
import { quote } from './words.ts';

/** What Prometheus Operator, Thanos and Mimir call the store that scraped a series. */
export const REPLICA_LABELS_DEFAULT: CountedSpec['replicaLabels'] = ['prometheus_replica', 'replica'];

// https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Without them series of different things would be taken for one. */
const TELLS_SERIES_APART = ['__name__', 'namespace', 'pod', 'container', 'instance', 'le'];

/** Names of labels, each once; none at all is an answer. What is wrong is reported and left out. */
export const readReplicaLabels = (tree: Tree, report: Report): readonly string[] => {
  const labels = piecesOf(tree).flatMap(({ text, place }) => {
    const wrong = labelProblem(text);
    if (wrong !== null) report(place, wrong);
    return wrong === null ? [text] : [];
  });
  return [...new Set(labels)];
};

const labelProblem = (label: string): string | null => {
  if (label === '') return 'a label is missing between two commas';
  if (!LABEL.test(label)) return `${quote(label)} is not the name of a label`;
  return TELLS_SERIES_APART.includes(label)
    ? `${quote(label)} tells series apart that must be counted each; name what differs between stores only`
    : null;
};
