import type { ImageChange, Spec } from '../core/spec.ts';
import { warnOfLateApproval } from './conduct.ts';
import { missing, nameOf, type Reading, requireInput } from './fields.ts';
import { readManifest } from './manifest.ts';
import { warnOfRare } from './metrics.ts';
import { reportPair } from './pair.ts';
import type { Parts } from './parts.ts';
import { reportInPlace } from './promote-at.ts';
import { readSources, reportWithoutSource } from './sources.ts';
import { reportTooLong } from './steps.ts';
import { reportUnreachable } from './until.ts';

/** What `run`, `plan` and `rollback` need, with the rules between inputs. null: something is missing or wrong, and reported. */
export const releaseSpec = (reading: Reading, parts: Parts, command: Spec['command']): Spec | null => {
  const { splitBy, images: given, steps, metrics, ...rest } = parts;
  const isFile = command !== 'rollback' && reading.given('manifest') !== null;
  if (command !== 'rollback' && !isFile) requireInput(reading, 'image');
  const images = command === 'rollback' ? noVersion(reading) : isFile && reading.given('image') === null ? [] : given;
  requireInput(reading, 'deployment');
  const deployment = nameOf(reading, 'deployment', 'subdomain');
  const namespace = namespaceOf(reading);
  const imagePlace = reading.given('image')?.tree.place ?? missing('image');
  const wanted = deployment === null ? null : { deployment, namespace, images: images ?? [], imagePlace };
  const manifest = isFile ? readManifest(reading, wanted) : null;
  const sources = readSources(reading);
  warnOfNoMetrics(reading);
  reportWithoutSource(reading, metrics);
  reportUnjudged(reading, parts);
  reportBetween(reading, parts);
  reportPair(reading, deployment, parts.canaryDeployment);
  reportInPlace(reading, parts);
  if (images === null || deployment === null || steps === null || metrics === null) return null;
  if (isFile && manifest === null) return null;
  return { command, images, deployment, namespace, steps, metrics, sources, ...rest, manifest };
};

/** One that the whole file is written for may stand in it; one given for this job is a misunderstanding. */
const noVersion = (reading: Reading): readonly ImageChange[] => {
  for (const [name, what] of [
    ['image', 'image'],
    ['manifest', 'file'],
  ] as const) {
    const given = reading.given(name);
    if (given?.source === 'input')
      reading.report(
        given.tree.place,
        `not with \`rollback\`, which brings back what stable ran before; leave \`${name}\` out, or use \`run\` to release this ${what}`,
      );
    if (given?.source === 'file')
      reading.warn(
        `\`rollback\` does not use the \`${name}\` of the config file: it brings back what stable ran before`,
      );
  }
  return [];
};

/** `*` is not for what works on one Deployment. */
export const namespaceOf = (reading: Reading): string | null => {
  const given = reading.given('namespace')?.tree;
  if (given?.kind !== 'scalar' || given.text.trim() !== '*') return nameOf(reading, 'namespace', 'label');
  reading.report(
    given.place,
    '`*` stands for all namespaces, only with `status` and `sweep`; name the one of the Deployment',
  );
  return null;
};

const warnOfNoMetrics = (reading: Reading): void => {
  if (reading.given('metrics') === null && !reading.unread('metrics'))
    reading.warn('no `metrics` are given: the canary is judged by the readiness of its pods alone');
};

/** What is asked of the judgement must have something to work on. */
const reportUnjudged = (reading: Reading, { metrics, judgement }: Parts): void => {
  if (metrics === null || (reading.given('metrics') === null && reading.unread('metrics'))) return;
  const evidence = metrics.filter(({ kind }) => kind !== 'measured');
  const place = reading.given('require-evidence')?.tree.place;
  if (judgement.requireEvidence !== null && place !== undefined && evidence.every(({ dryRun }) => dryRun)) {
    const found = evidence.length === 0 ? 'there is none' : 'all of them have `dry-run: true`';
    reading.report(
      place,
      `evidence comes from metrics with \`requests\` and \`failures\`, \`histogram\` or \`preset\`, and ${found}`,
    );
  }
  if (judgement.mode === 'dry-run' && metrics.length > 0)
    reading.warn('`mode: dry-run`: metrics are judged and reported, but none of them rolls the canary back');
};

const reportBetween = (reading: Reading, { steps, metrics, splitBy, timeoutMs, conduct }: Parts): void => {
  if (steps === null) return;
  reportTooLong(steps, timeoutMs, reading);
  warnOfRare(metrics ?? [], Math.min(...steps.map((step) => step.intervalMs)), reading.warn);
  warnOfLateApproval(steps, conduct.approval.timeoutMs, timeoutMs, reading.warn);
  const place = reading.given('until')?.tree.place ?? missing('until');
  if (conduct.until !== null) reportUnreachable(conduct.until, steps, splitBy, { place, report: reading.report });
};
