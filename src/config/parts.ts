import type { AskedMetric, ImageChange, RouteChoice, Spec, Step } from '../core/spec.ts';
import { readConduct, readOthers } from './conduct.ts';
import { choiceOf, durationOf, flagOf, nameOf, type Reading, soundOf } from './fields.ts';
import { readImages } from './images.ts';
import { readJudgement } from './judgement.ts';
import { readMetrics } from './metrics.ts';
import { type Catalogue, readRoute } from './routes.ts';
import { readSteps } from './steps.ts';
import { readSurroundings } from './surroundings.ts';
import { readWatchdog } from './watchdog.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** What can be read without knowing what is asked for: nothing is missed here. null: not given, or reported. */
export type Parts = Omit<Spec, 'command' | 'images' | 'deployment' | 'namespace' | 'steps' | 'metrics' | 'sources'> & {
  readonly images: readonly ImageChange[] | null;
  readonly splitBy: 'router' | 'replicas';
  readonly steps: readonly Step[] | null;
  readonly metrics: readonly AskedMetric[] | null;
};

export const readParts = (reading: Reading, catalogue: Catalogue): Parts => {
  const image = soundOf(reading, 'image');
  const metrics = soundOf(reading, 'metrics');
  const route = routeOf(reading, catalogue);
  const splitBy = route?.kind === 'replicas' ? 'replicas' : 'router';
  return {
    images: image === null ? null : readImages(image, reading.report),
    service: nameOf(reading, 'service', 'label'),
    route,
    splitBy,
    steps: readSteps(reading, splitBy),
    metrics: metrics === null ? [] : readMetrics(metrics, catalogue.presets, reading),
    judgement: readJudgement(reading),
    timeoutMs: durationOf(reading, 'timeout', 300 * MINUTE, SECOND),
    readyTimeoutMs: durationOf(reading, 'ready-timeout', 5 * MINUTE, SECOND),
    drainMs: durationOf(reading, 'drain', 30 * SECOND, 0),
    noDataTimeoutMs: durationOf(reading, 'no-data-timeout', 5 * MINUTE, SECOND),
    podLogs: choiceOf(reading, 'pod-logs', ['summary', 'comment', 'off'], 'auto'),
    failOnRollback: flagOf(reading, 'fail-on-rollback'),
    ...readOthers(reading),
    conduct: readConduct(reading),
    watchdog: readWatchdog(reading),
    // Read when it is known which Deployment is meant.
    manifest: null,
    canaryDeployment: nameOf(reading, 'canary-deployment', 'subdomain'),
    surroundings: readSurroundings(reading),
  };
};

const routeOf = (reading: Reading, catalogue: Catalogue): RouteChoice | null => {
  const tree = soundOf(reading, 'route');
  return tree === null ? null : readRoute(tree, catalogue, reading.report);
};
