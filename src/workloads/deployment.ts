import { DEPLOYMENT, objectRef, type Permission } from '../core/objects.ts';
import type { Workload } from '../ports/workload.ts';
import { deploymentIn, deploymentRef, podsIn, reads } from './arms.ts';
import { releaseNotes } from './autoscaler.ts';
import { peakOf } from './capacity.ts';
import { namesakes } from './checks.ts';
import { createSamplePod } from './copy.ts';
import { offer } from './manifest.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { podsExpression, podsOf } from './pods.ts';
import { progress } from './progress.ts';
import { isUnchanged, resolve } from './resolve.ts';
import { deploymentOf } from './shape.ts';
import { surveys } from './survey.ts';

/** Rights in the rollout's namespace, with the verbs that are really sent. */
const permissions: readonly Permission[] = [
  {
    group: 'apps',
    resource: 'deployments',
    verbs: ['get', 'list', 'create', 'patch', 'delete'],
    why: 'copy stable as the canary, scale and remove the canary, promote stable',
  },
  {
    group: '',
    resource: 'services',
    verbs: ['get', 'list', 'create', 'patch', 'delete'],
    why: "find stable's Service, create, mark and remove the canary's",
  },
  { group: 'apps', resource: 'replicasets', verbs: ['list'], why: 'tell which pods belong to which version' },
  {
    group: '',
    resource: 'pods',
    verbs: ['list', 'create'],
    why: "say why pods are not ready, send a pod of the canary's template as a dry run",
  },
  { group: 'discovery.k8s.io', resource: 'endpointslices', verbs: ['list'], why: 'see pods ready for traffic' },
  {
    group: 'autoscaling',
    resource: 'horizontalpodautoscalers',
    verbs: ['list'],
    // Asked for when there is one.
    optional: ['get', 'create', 'patch', 'delete'],
    why: "find an autoscaler of stable; where there is one, hold its minimum, and create and remove the canary's",
  },
  {
    group: 'keda.sh',
    resource: 'scaledobjects',
    verbs: ['list'],
    optional: ['get', 'patch'],
    why: 'find an autoscaler of stable, where KEDA is, and pause it',
  },
];

/** Where nothing was read of stable, the dry run of an empty Deployment's template is refused, which is the truth. */
const nothing = (namespace: string, name: string) =>
  deploymentOf({ ...objectRef(DEPLOYMENT, namespace, name), metadata: { name, namespace } });

/** Deployments: the canary is a copy with other labels and images. Pure. */
export const deploymentWorkload: Workload = {
  name: 'deployment',
  permissions,
  surveys,
  namesakes,
  offer,
  resolve,
  isUnchanged,
  reads,
  plan,
  samplePod: (seen, target) =>
    createSamplePod(
      deploymentIn(seen, target, target.pair === null ? 'stable' : 'canary') ??
        nothing(target.namespace, target.deployment),
      target,
    ),
  notes: (seen, target, stage) => (stage.kind === 'release-autoscaler' ? releaseNotes(seen, target) : []),
  peak: peakOf,
  progress,
  observe,
  podsExpression,
  podsOf,
  marked: (target) => [
    deploymentRef(target, 'stable'),
    ...(target.autoscaler === null ? [] : [target.autoscaler.ref]),
    ...(target.pair === null ? [] : [deploymentRef(target, 'canary')]),
  ],
  pods: podsIn,
};
