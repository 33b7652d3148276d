import { crash as crashOnce, type Net, type Row } from '../harness/crash-case.ts';
import { canSweep, nextRun, otherImage, sweep, watchdog } from '../harness/crash-nets.ts';
import { type Place, placeAt, placeIn, placesOf } from '../harness/crash-points.ts';
import { createGate } from '../harness/gate.ts';
import { imageOf } from '../harness/objects.ts';
import { GOOD, OLD, rehearse, type Scenario } from '../harness/scene.ts';
import type { Context } from '../harness/shop.ts';
import { spread } from '../harness/statistics.ts';
import type { Suite } from '../harness/suite.ts';
import { aligned } from '../harness/table.ts';
import { percent } from '../harness/traffic.ts';
import { randomOf } from '../stack/random.ts';

/** Cases at a time: most of a case's time is spent waiting for a dead run's lease. */
const SIDE_BY_SIDE = 14;
/** Of which so many are up to their death, which is work for the machine; the few of the short form all at once. */
const LIVING = 4;
const LIVING_SHORT = 7;

const FAILING: Scenario = {
  name: 'failing',
  version: '2.0-bad50',
  inputs: { weights: '50', interval: '20s' },
  signal: null,
};
const CANCELLED: Scenario = {
  name: 'cancelled',
  version: '2.0',
  inputs: { weights: '50', interval: '20s' },
  signal: 'SIGINT',
};
const SCENARIOS: Readonly<Record<string, Scenario>> = { good: GOOD, failing: FAILING, cancelled: CANCELLED };

interface Entry {
  readonly place: Place;
  readonly net: Net;
}

const inTurn = (nets: readonly Net[], turn: number): readonly Net[] => nets.slice(turn % nets.length).slice(0, 1);

/**
 * All of a good release by every net; where nothing but a saved state tells a place from the one before, by the nets in
 * turn. Every fifth place also meets another image.
 */
const goodEntries = (places: readonly Place[], nets: readonly Net[]): readonly Entry[] =>
  places.flatMap((place, index) => {
    const able = nets.filter((net) => net.covers(place));
    const own = place.crash.when === 'before' ? inTurn(able, index) : able;
    const others = index % 5 === 0 ? [otherImage] : [];
    return [...own, ...others].map((net) => ({ place, net }));
  });

/** All of rolling back, the nets in turn: the first stages are those of a good release. */
const backEntries = (places: readonly Place[], nets: readonly Net[], offset: number): readonly Entry[] =>
  places
    .filter(
      ({ name, crash: { when } }) => name.includes('rolling-back/') && (when !== 'before' || /way-back/.test(name)),
    )
    .flatMap((place, index) => {
      const able = nets.filter((net) => net.covers(place));
      return inTurn(able, index + offset).map((net) => ({ place, net }));
    });

const rehearsed = async (context: Context, scenario: Scenario, status: string): Promise<readonly Place[]> => {
  const { run, proxy } = await rehearse(context, `crash-${scenario.name}`, scenario);
  const is = run.outputs['status'];
  context.claims.claim(`undisturbed, the ${scenario.name} release ends as ${status}`, is === status, is);
  return placesOf(scenario.name, proxy.writes);
};

const fullEntries = async (context: Context, nets: readonly Net[]): Promise<readonly Entry[]> => {
  const [good, failing, cancelled] = await Promise.all([
    rehearsed(context, GOOD, 'promoted'),
    rehearsed(context, FAILING, 'rolled-back'),
    rehearsed(context, CANCELLED, 'aborted'),
  ]);
  const entries = [...goodEntries(good, nets), ...backEntries(failing, nets, 0), ...backEntries(cancelled, nets, 1)];
  const places = new Set(entries.map(({ place }) => place.name)).size;
  context.claims.claim('there are at least 40 points', places >= 40, `${places} points, ${entries.length} cases`);
  return entries;
};

/** Writes that every good release of these inputs makes. */
const FEWEST_WRITES = 40;

/** Where the watchdog has something to return. */
const WATCHED = ['progressing/scale to 70', 'progressing/shift to 70', 'promoting/all-traffic'] as const;

/** Three writes of a good release, of its beginning, middle and end; and one for the watchdog. */
const shortEntries = ({ seed }: Context, nets: readonly Net[]): readonly Entry[] => {
  const random = randomOf('crash', seed);
  const third = FEWEST_WRITES / 3;
  const watched = placeIn('good', WATCHED[Math.floor(random() * WATCHED.length)] ?? WATCHED[0]);
  const places = [0, 1, 2].map((part) => {
    const index = Math.floor(third * (part + random()));
    return placeAt('good', index, random() < 0.5 ? 'before' : 'after');
  });
  return [
    ...nets.filter((net) => net === watchdog).map((net) => ({ place: watched, net })), // It takes the longest.
    ...places.flatMap((place) => nets.filter((net) => net !== watchdog).map((net) => ({ place, net }))),
  ];
};

const NEW = imageOf('checkout', GOOD.version);

/** Which of the two versions stable has to run in the end; null: either. */
const expectedStable = ({ place, said }: Row, { returns }: Net): string | null => {
  if (place.scenario !== 'good') return null;
  if (returns) return place.isPastReturn === null ? null : place.isPastReturn ? NEW : OLD;
  return /^(promoted|unchanged)/.test(said) ? null : OLD;
};

/** What is wrong with a row; [] when it is as promised. */
const faultsOf = (row: Row, net: Net): readonly string[] => {
  const wanted = expectedStable(row, net);
  return [
    row.trouble === null ? '' : row.trouble,
    row.left.length === 0 ? '' : `left: ${row.left.join(', ')}`,
    row.isReached && row.finalWeight !== 0 ? `the canary has ${percent(row.finalWeight)}` : '',
    wanted === null || row.stable === wanted || !row.isReached ? '' : `stable is ${row.stable}`,
  ].filter((text) => text !== '');
};

const seconds = (ms: number): string => (Number.isNaN(ms) ? '–' : (ms / 1000).toFixed(1));
const times = (ms: readonly number[]): string =>
  ms.length === 0
    ? 'never'
    : spread(
        ms.map((one) => Math.round(one / 100) / 10),
        's',
      );
const percentOf = (share: number): string => (Number.isNaN(share) ? '–' : percent(share));

const HEAD = [
  'killed at',
  'net',
  'at kill',
  'at end',
  'left',
  'lost',
  'by the canary',
  'safe after',
  'clean after',
  'said',
];

const cellsOf = (row: Row): readonly string[] => [
  row.place.name,
  row.net,
  percentOf(row.weightAtKill),
  percentOf(row.finalWeight),
  `${row.left.length}`,
  `${row.lost} of ${row.sent}`,
  `${row.harmed}`,
  `${seconds(row.safeMs)} s`,
  `${seconds(row.cleanMs)} s`,
  row.said,
];

interface Case extends Entry {
  readonly turn: number;
  readonly row: Row;
}

const runAll = async (context: Context, entries: readonly Entry[]): Promise<readonly Case[]> => {
  const waiting = entries.map((entry, turn) => ({ entry, turn, namespace: `crash-${turn + 1}` }));
  const cases: Case[] = [];
  const gate = createGate(context.full ? LIVING : LIVING_SHORT);
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { entry, turn, namespace } = next;
      const scenario = SCENARIOS[entry.place.scenario] ?? GOOD;
      const row = await crashOnce(context, namespace, { ...entry, scenario, gate });
      cases.push({ ...entry, turn, row });
      const faults = faultsOf(row, entry.net);
      if (cases.length % 10 === 0) context.claims.note('so far', `${cases.length} of ${entries.length} cases`);
      if (faults.length > 0 || row.lost > 0)
        context.claims.note(`${namespace}, ${row.place.name}, ${row.net}`, `lost ${row.lost} | ${faults.join(' | ')}`);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
  return cases.sort((a, b) => a.turn - b.turn);
};

const claimAll = ({ claims }: Context, cases: readonly Case[]): void => {
  const rows = cases.map(({ row }) => row);
  const isStuck = ({ row, net }: Case): boolean => faultsOf(row, net).length > 0;
  const stuck = cases.filter(isStuck).map(({ row }) => `${row.place.name}, ${row.net}`);
  claims.claim(
    'every rollout ends whole and leaves nothing: none is stuck',
    stuck.length === 0,
    stuck.length === 0 ? `${cases.length} cases` : stuck,
  );
  const sent = rows.reduce((sum, row) => sum + row.sent, 0);
  const lost = rows.reduce((sum, row) => sum + row.lost, 0);
  claims.figure({ kind: 'requests', sent, lost });
  claims.claim(
    'no request is lost: never is there traffic for an arm that is not ready',
    lost === 0,
    `${lost} of ${sent}`,
  );
  for (const net of new Set(rows.map((row) => row.net))) {
    const own = rows.filter((row) => row.net === net && row.isReached);
    const split = own.filter(({ safeMs }) => safeMs > 0).map(({ safeMs }) => safeMs);
    claims.note(`${net}: from the kill to all traffic on one version, where it was split`, times(split));
    claims.note(`${net}: from the kill to clean`, times(own.map(({ cleanMs }) => cleanMs)));
  }
};

export const crash: Suite = {
  name: 'crash',
  title: 'killed at any moment: each net brings the rollout to safety, and nobody loses a request',
  alone: 'full',
  run: async (context) => {
    const hasSweep = await canSweep(context);
    if (!hasSweep) context.claims.note('left out', 'the bundle has neither sweep nor watchdog');
    const nets = hasSweep ? [sweep, nextRun, watchdog] : [nextRun];
    const entries = context.full ? await fullEntries(context, nets) : shortEntries(context, nets);
    const cases = await runAll(context, entries);
    claimAll(context, cases);
    context.claims.print(`\n${aligned([HEAD, ...cases.map(({ row }) => cellsOf(row))])}\n`);
  },
};
