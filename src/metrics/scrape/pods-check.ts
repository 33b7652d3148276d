import type { Finding } from '../../core/reason.ts';
import type { Ms } from '../../core/units.ts';
import { PODS_PER_ROUND, type Round } from './rounds.ts';

/** Between two readings of a pod, where all pods can be read in one round. */
export const ROUND_EVERY_MS: Ms = 1_000;

type Read = Round & { readonly kind: 'read' };

/** How long it takes until each pod was read; null: none was. */
export const intervalOf = (rounds: readonly Round[]): Ms | null => {
  const intervals = rounds.flatMap((round) =>
    round.kind === 'read' && round.readings.length > 0 ? [ROUND_EVERY_MS * Math.ceil(round.pods / PODS_PER_ROUND)] : [],
  );
  return intervals.length === 0 ? null : Math.max(...intervals);
};

/** The first one speaks for all: pods of an arm fail alike. */
export const silenceText = (silent: Read['silent']): string => {
  const [first] = silent;
  const who = silent.length === 1 ? 'the only pod that was asked' : `all ${silent.length} pods that were asked`;
  return `no metrics from ${who}: ${first?.pod}: ${first?.problem.message}`;
};

interface About {
  readonly name: 'scrape' | 'scrape-router';
  readonly whose: string;
  readonly bytesPerSecond: number;
}

/** What is to be said about the pods themselves, whatever was asked for. */
export const findingsOf = (about: About, round: Round): readonly Finding[] => {
  if (round.kind === 'unlisted') return [unlisted(about, round)];
  if (round.pods === 0) {
    return [error(about, 'metrics-unreachable', round.unknown[0] ?? `There are none of ${about.whose}.`, null)];
  }
  if (round.readings.length === 0) return [silence(about, round)];
  return [...someUnknown(about, round), ...someSilent(about, round), ...tooLarge(about, round)];
};

const error = ({ name }: About, code: Finding['code'], message: string, advice: string | null): Finding => ({
  severity: 'error',
  code,
  message,
  where: name,
  advice,
});

const warning = ({ name }: About, message: string, advice: string | null): Finding => ({
  severity: 'warning',
  code: 'metrics-unreachable',
  message,
  where: name,
  advice,
});

const unlisted = (about: About, { problem }: Round & { readonly kind: 'unlisted' }): Finding => {
  const message = `Could not find ${about.whose}: ${problem.message}.`;
  return problem.kind === 'forbidden' || problem.kind === 'unauthorised'
    ? error(
        about,
        'forbidden',
        message,
        'It needs the right to `list` `pods`, and with `scrape-router` to `get` `services`.',
      )
    : error(about, 'metrics-unreachable', message, null);
};

const silence = (about: About, { silent, postponed }: Read): Finding => {
  const refused = silent.find(({ problem }) => problem.kind === 'forbidden');
  if (refused !== undefined)
    return error(
      about,
      'forbidden',
      `Pod ${refused.pod} does not answer at its own address, and may not be asked through the API server: ${refused.problem.message}.`,
      'Give the right to `get` `pods/proxy`, or run where the addresses of pods can be reached.',
    );
  const message = silent.length === 0 ? `${postponed} pods were not asked yet.` : `There are ${silenceText(silent)}.`;
  return error(about, 'metrics-unreachable', message, 'See that port and path are those of the metrics.');
};

const someUnknown = (about: About, { unknown, pods }: Read): readonly Finding[] =>
  unknown[0] === undefined
    ? []
    : [warning(about, `Of ${unknown.length + pods} pods ${unknown.length} cannot be read. ${unknown[0]}`, null)];

const someSilent = (about: About, { silent, readings }: Read): readonly Finding[] => {
  const [first] = silent;
  if (first === undefined) return [];
  const message = `Of ${silent.length + readings.length} pods that were asked ${silent.length} did not answer: ${first.pod}: ${first.problem.message}.`;
  return [warning(about, message, 'What they count is not judged.')];
};

/** Said once, before the start: the pods may grow later. */
const tooLarge = (about: About, { readings, pods }: Read): readonly Finding[] => {
  const bytes = readings.reduce((total, reading) => total + reading.bytes, 0) / readings.length;
  const inRound = Math.min(pods, PODS_PER_ROUND);
  if (bytes * inRound <= about.bytesPerSecond) return [];
  const fit = Math.max(1, Math.floor(about.bytesPerSecond / bytes));
  return [
    warning(
      about,
      `Each pod sends about ${Math.round(bytes / 1024)} KiB of metrics: ${fit} of ${pods} are read in a second, in turn.`,
      'A path with fewer metrics makes it faster.',
    ),
  ];
};
