import type { Suite } from '../harness/suite.ts';
import { bad } from './bad.ts';
import { cancel } from './cancel.ts';
import { clusters } from './clusters/index.ts';
import { commands } from './commands.ts';
import { conformance } from './conformance.ts';
import { crash } from './crash.ts';
import { faults } from './faults.ts';
import { fitness } from './fitness.ts';
import { gitops } from './gitops.ts';
import { good } from './good.ts';
import { grpc } from './grpc.ts';
import { judgement } from './judgement.ts';
import { measures } from './measures.ts';
import { names } from './names.ts';
import { notReady } from './not-ready.ts';
import { presets } from './presets.ts';
import { prometheus } from './prometheus.ts';
import { race } from './race.ts';
import { replicas } from './replicas.ts';
import { rights } from './rights.ts';
import { rollback } from './rollback.ts';
import { routes } from './routes.ts';
import { schedules } from './schedules.ts';
import { scrape } from './scrape.ts';
import { serviceUrl } from './service-url.ts';
import { signals } from './signals.ts';
import { sweep } from './sweep.ts';
import { two } from './two.ts';
import { watchdog } from './watchdog.ts';
import { worker } from './worker.ts';

/** The longest first, so that none is left to run by itself at the end. */
export const SUITES: readonly Suite[] = [
  watchdog,
  crash,
  clusters,
  commands,
  race,
  sweep,
  cancel,
  rights,
  good,
  worker,
  grpc,
  two,
  routes,
  replicas,
  rollback,
  gitops,
  presets,
  scrape,
  names,
  prometheus,
  notReady,
  serviceUrl,
  fitness,
  conformance,
  bad,
  signals,
  measures,
  judgement,
  faults,
  schedules,
];
