/** A router's, or a convention's, own counters and histograms, known beforehand. Pure data: `drive` turns it into metrics. */
export interface Preset {
  /** What a user writes. */
  readonly name: string;
  readonly title: string;
  /** What a router counts holds failures that the application never saw. */
  readonly kind: 'router' | 'application';
  /** In the order in which the store is asked for them. Empty: none of its series tells the arms apart. */
  readonly variants: readonly PresetVariant[];
  /** Series of stable that hold the canary's requests too, and why nothing can be judged where the store has only these. */
  readonly blended: { readonly requests: string; readonly why: string } | null;
  /** What must be so for the series to be in the store. */
  readonly advice: string;
}

/**
 * One spelling of the series. Selectors are plain, with placeholders, and select one arm: by the pods or the Deployment,
 * or by the Service, which differs between the arms only where the canary has one of its own. `{{route}}` stands in
 * regular expressions only, as a group: it may become several names.
 */
export interface PresetVariant {
  /** Whose failures its codes show. */
  readonly calls: 'http' | 'grpc' | 'any';
  readonly requests: string;
  readonly failures: string;
  /** Selector of the `_bucket` series of a classic histogram. */
  readonly histogram: string | null;
  /** Of the histogram. */
  readonly unit: 's' | 'ms' | null;
}
