export interface OutputDefinition {
  readonly name: string;
  /** One line for tables and for action.yml, in Markdown. */
  readonly meaning: string;
}

/** Every output of the action, in the order of the documentation. */
export const OUTPUTS: readonly OutputDefinition[] = [
  {
    name: 'status',
    meaning:
      'how it ended: `promoted`, `unchanged`, `planned`, `paused`, `accepted`, `rolled-back`, `aborted`, `halted` or `rejected`',
  },
  { name: 'reason-code', meaning: 'why, as one word of a closed list' },
  { name: 'reason', meaning: 'why, as a sentence' },
  {
    name: 'final-weight',
    meaning: 'share of users on the new version in percent: 100 when promoted, 0 when rolled back',
  },
  { name: 'steps-completed', meaning: 'number of weights that were held to their end' },
  { name: 'failed-metric', meaning: 'name of the metric that decided against the canary' },
  { name: 'comment-url', meaning: 'URL of the pull request comment' },
  { name: 'report-path', meaning: 'path of the report as a Markdown file' },
  { name: 'result', meaning: 'everything as JSON, with `schemaVersion`' },
];

export const outputDescription = (definition: OutputDefinition): string =>
  `${definition.meaning.charAt(0).toUpperCase()}${definition.meaning.slice(1)}.`;
