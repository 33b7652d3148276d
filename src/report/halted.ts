import { formatTime, formatWeight } from '../core/format.ts';
import type { ObjectRef } from '../core/objects.ts';
import { isInPlace } from '../core/phases/in-place.ts';
import type { ContainerImage, Pair, Target } from '../core/plan.ts';
import type { ArmSeen, Rollout } from '../core/rollout.ts';
import { storeName } from '../core/store-name.ts';
import { ALL_TRAFFIC } from '../core/units.ts';
import { markdownFence } from './escape.ts';
import { copyWords, heldLine, releaseCommands } from './held.ts';
import { code, type Inline, joined, prose, say, toMarkdown } from './inline.ts';
import { accepts, annotateLine, canaryEnds, isPlainName, kubectlLine } from './steer.ts';
import { isOldStable, knownWeight, versionOf, versions } from './subject.ts';

/** For `halted`: what is where, what a person can do, and the commands. The first ones only read. */
export const haltedLines = (rollout: Rollout): readonly string[] => {
  if (rollout.phase !== 'halted') return [];
  if (rollout.reason?.code === 'lock-lost') {
    return [
      `**What to do.** ${toMarkdown(say`Nothing here: this run writes nothing more, and the run that has the lock drives the rollout. ${code('command: status')} shows it.`)}`,
    ];
  }
  const advice = rollout.committedAt === null ? beforeCommit(rollout) : afterCommit(rollout);
  const lines = [heldLine(rollout), ...advice]
    .flatMap((line) => (line === null ? [] : [`- ${toMarkdown(line)}`]))
    .join('\n');
  return [`**What to do.** ${toMarkdown(first(rollout))}\n${lines}`, ...commandBlocks(rollout)];
};

const first = (rollout: Rollout): Inline =>
  rollout.committedAt === null
    ? say`Stable still runs the old version, and is the copy to rely on.`
    : isShared(rollout)
      ? say`Both serve: the canary has ${formatWeight(knownWeight(rollout) ?? 0)} of the traffic, stable the rest, with the pods that its rolling update kept or brought up. Do not delete the canary's Deployment or Service, nor its entry in the route. Nothing takes the traffic away from either by itself.`
      : say`The canary serves: do not delete its Deployment or Service, nor its entry in the route, before stable is ready and has the traffic. Nothing takes the traffic away from it by itself.`;

/** Stable was to be updated in place, and still has users. */
const isShared = (rollout: Rollout): boolean => {
  const weight = knownWeight(rollout);
  return isInPlace(rollout.plan) && weight !== null && weight < ALL_TRAFFIC;
};

const beforeCommit = (rollout: Rollout): readonly Inline[] => [
  say`Look at the route: stable should have all the weight. Set it by hand where users are hurt; the rollout accepts that.`,
  accepts(rollout, 'abort')
    ? say`When the cause is mended: a job with ${code('command: abort')} and ${code(`deployment: ${rollout.plan.target.deployment}`)}, or the next run of the workflow. Both return what is left of the traffic and ${canaryEnds(rollout.plan.target, 'several')}.`
    : say`When the cause is mended: a job with ${code('command: sweep')}, or the next run of the workflow. Both return what is left of the traffic and ${canaryEnds(rollout.plan.target, 'several')}.`,
];

/** Per cause: what was tried, and the two ways out. */
const afterCommit = (rollout: Rollout): readonly Inline[] => {
  const { from, to } = versions(rollout.plan);
  const promote = say`a job with ${code('command: promote')} and ${code(`deployment: ${rollout.plan.target.deployment}`)} (cluster and metrics as for the release)`;
  const finish = say`compares stable with what was judged, returns the traffic to it in judged steps and ${canaryEnds(rollout.plan.target, 'one')}`;
  switch (rollout.reason?.code) {
    case 'stable-not-updated':
      return [
        say`Finish with your own deploy step: let it bring stable to the judged image (${to}), then ${code('command: resume')}.`,
        say`Or finish without it: ${promote}. It updates stable itself, then ${finish}.`,
        undo(rollout, from),
      ];
    case 'image-moved':
      return [
        say`Stable pulled an image that is not the one that was judged, though it has the same name; so it ${isShared(rollout) ? 'should get' : 'gets'} no traffic.${judgedIds(rollout)}`,
        say`Finish: let the name lead to the judged image again, restart stable's pods${isShared(rollout) ? '' : ' (they have no traffic)'}, then ${promote}.`,
        undo(rollout, from),
        say`To keep it from happening again, release by digest or by tags that are never reused.`,
      ];
    default:
      return [
        say`Finish: mend what the first line names, then ${promote}, or the next run of the workflow. It updates stable to ${to} where that is still to be done, ${finish}.`,
        undo(rollout, from),
      ];
  }
};

const judgedIds = ({ observation }: Rollout): Inline => {
  const ids = observation?.canary?.imageIds ?? [];
  return ids.length === 0 ? say`` : say` Judged was ${joined(ids.map(code), ', ')}.`;
};

const undo = (rollout: Rollout, from: Inline): Inline => {
  const abort = say`a job with ${code('command: abort')}`;
  if (!accepts(rollout, 'abort'))
    return say`Undo, by hand: the commands below, in their order. Each next one only when the one before has done its work.`;
  return isOldStable(rollout)
    ? say`Undo: stable was not changed; ${abort} returns all traffic to it (${from}), once it is seen to be ready.`
    : say`Undo: bring stable back to ${from}, wait until it is ready, then ${abort}: it reads stable first, and returns all traffic to it.`;
};

// --- commands -------------------------------------------------------------------

const commandBlocks = (rollout: Rollout): readonly string[] => {
  const { target } = rollout.plan;
  const groups = [
    commandGroup('look, nothing is written', lookCommands(target)),
    commandGroup(
      'without GitHub: the next run of this Deployment acts on it',
      (['promote', 'abort'] as const)
        .filter((command) => (command === 'abort' || rollout.committedAt !== null) && accepts(rollout, command))
        .map((command) => annotateLine(target, command)),
    ),
    ...(rollout.committedAt === null ? [] : undoGroups(rollout)),
  ].filter((group) => group !== null);
  return groups.length === 0 ? [] : [markdownFence(groups.join('\n\n'), 'sh')];
};

/** null: a name in it could not be pasted safely, and half of a recipe is worse than none. */
const commandGroup = (title: string, commands: readonly (string | null)[]): string | null =>
  commands.length === 0 || commands.includes(null) ? null : [`# ${title}`, ...commands].join('\n');

const lookCommands = (target: Target): readonly (string | null)[] => {
  const { deployment, canaryDeployment, routes } = target;
  const isSafe =
    [deployment, canaryDeployment, ...routes.map(({ name }) => name)].every(isPlainName) &&
    routes.every(({ plural }) => /^[a-z]+$/.test(plural));
  if (!isSafe) return [null];
  return [
    kubectlLine(target, 'get', 'deployments', deployment, canaryDeployment),
    kubectlLine(target, 'describe', 'deployment', deployment),
    ...routes.map((route) => yamlOf(kubectlLine(target, 'get', kindOf(route), route.name))),
  ];
};

const yamlOf = (command: string | null): string | null => (command === null ? null : `${command} -o yaml`);

/** The user's own canary Deployment is never deleted. */
const giveBackCommands = (target: Target, { images, replicas }: Pair): readonly (string | null)[] => {
  const changes = images.map(({ container, image }) => `${container}=${image}`);
  const deployment = `deployment/${target.canaryDeployment}`;
  const scale = kubectlLine(target, 'scale', deployment);
  return [
    kubectlLine(target, 'set', 'image', deployment, ...changes),
    scale === null ? null : `${scale} --replicas=${replicas}`,
  ];
};

const undoGroups = (rollout: Rollout): readonly (string | null)[] => {
  const stableBack = isOldStable(rollout)
    ? null
    : commandGroup('undo: stable back to the old version, while the canary serves', stableBackCommands(rollout));
  if (accepts(rollout, 'abort')) return [stableBack];
  // Without its first step the rest would take the only copy away that serves.
  if (stableBack === null && !isOldStable(rollout)) return [];
  const { canaryDeployment, canaryService, deployment, routes } = rollout.plan.target;
  const { target } = rollout.plan;
  const { pair } = target;
  const objects = [
    ...(pair === null ? [`deployment/${canaryDeployment}`] : []),
    ...(canaryService === null ? [] : [`service/${canaryService}`]),
    ...copyWords(target),
  ];
  const back = pair === null ? [] : giveBackCommands(target, pair);
  const state = storeName(deployment);
  return [
    stableBack,
    commandGroup(
      'then all weight to stable, and the entry of the canary out of the route',
      routes.map((route) => kubectlLine(target, 'edit', kindOf(route), route.name)),
    ),
    commandGroup('then, when the canary gets no request any more', [
      ...back,
      ...(objects.length === 0 ? [] : [kubectlLine(target, 'delete', ...objects)]),
      ...releaseCommands(target),
      kubectlLine(target, 'delete', `configmap/${state}`, `lease/${state}`),
    ]),
  ];
};

const kindOf = ({ plural, apiVersion }: ObjectRef): string => `${plural}.${apiVersion.split('/')[0] ?? ''}`;

const stableBackCommands = ({ plan }: Rollout): readonly (string | null)[] => {
  const { target, fromImages } = plan;
  const images = target.images.map(({ container }) => fromImages.find((old) => old.container === container) ?? null);
  const known = images.filter((image): image is ContainerImage => image !== null);
  if (known.length < images.length || !isPlainName(target.deployment)) return [null];
  const workload = `deployment/${target.deployment}`;
  // A whole template was put in, so that images alone do not bring back what stable ran.
  if (target.template !== null)
    return [kubectlLine(target, 'rollout', 'undo', workload), kubectlLine(target, 'rollout', 'status', workload)];
  return [
    kubectlLine(target, 'set', 'image', workload, ...known.map(({ container, image }) => `${container}=${image}`)),
    kubectlLine(target, 'rollout', 'status', workload),
  ];
};

// --- what is where ----------------------------------------------------------------

const arm = (name: string, seen: ArmSeen | null): Inline => {
  if (seen === null) return say`${name}: not there`;
  const images = joined(
    seen.images.map(({ image }) => code(versionOf(image))),
    ', ',
  );
  const problem = seen.problem === null ? say`` : say`: ${prose(seen.problem)}`;
  return say`${name}: ${images}, ${seen.ready} of ${seen.replicas} pods ready${problem}`;
};

/** What the last look at the cluster showed of both arms and of the route, for a rollout that halted. */
export const armLines = (rollout: Rollout): string | null => {
  const { observation } = rollout;
  if (observation === null) return null;
  const traffic =
    observation.traffic === null
      ? say`route: ${prose(observation.trafficProblem ?? 'could not be read')}`
      : say`route: ${formatWeight(observation.traffic.canary)} to the canary`;
  const lines = [arm('stable', observation.stable), arm('canary', observation.canary), traffic];
  return `Seen at ${formatTime(observation.at)}:\n${lines.map((line) => `- ${toMarkdown(line)}`).join('\n')}`;
};
