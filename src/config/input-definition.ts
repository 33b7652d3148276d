export interface InputDefinition {
  readonly name: string;
  /** What applies when it is not given, in words for tables; null: nothing. */
  readonly default: string | null;
  /** One line for tables, in Markdown. */
  readonly meaning: string;
  /** The value is masked before anything else happens. */
  readonly secret: boolean;
  readonly inConfigFile: boolean;
  /** The closed list of values; null where any text of the right form is taken. */
  readonly allowed: readonly string[] | null;
  /**
   * The default that the runner itself fills in. Only for inputs that the config file cannot hold: a default filled in
   * there could not be told from a given input, and would win over the file.
   */
  readonly actionDefault: string | null;
}

type Given = Partial<InputDefinition> & Pick<InputDefinition, 'name' | 'meaning'>;

export const input = (given: Given): InputDefinition => ({
  default: null,
  secret: false,
  inConfigFile: true,
  allowed: null,
  actionDefault: null,
  ...given,
});
