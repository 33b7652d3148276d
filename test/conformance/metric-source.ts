import { checkRules } from './metric-source-checks.ts';
import { sampleRules } from './metric-source-samples.ts';
import { seriesRules } from './metric-source-series.ts';
import { asking, type StartMetricSource } from './metric-source-subject.ts';

/** What every metric source must do, whatever it reads from. */
export const metricSourceConformance = (name: string, start: StartMetricSource): void => {
  const asked = asking(start);
  sampleRules(name, asked);
  seriesRules(name, asked);
  checkRules(name, asked);
};
