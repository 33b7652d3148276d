import { at } from './rollout.ts';
import type { Story } from './stories.ts';

const subject = { namespace: 'shop', deployment: 'checkout', images: ['ghcr.io/acme/checkout:1.4.2'] } as const;

/** Of a Deployment that did not exist. */
export const FIRST_STORIES: Readonly<Record<string, Story>> = {
  'first-release': {
    now: at('10:02:00'),
    situation: {
      kind: 'first-release',
      status: 'promoted',
      reason: {
        code: 'completed',
        text: 'Deployment shop/checkout was created and is ready; there was nothing to compare it with',
        metric: null,
      },
      subject,
      rolloutId: 'r1',
      times: { startedAt: at('10:01:00'), finishedAt: at('10:02:00') },
      findings: [
        {
          severity: 'warning',
          code: 'invalid-config',
          where: 'k8s/checkout.yaml',
          message: 'only the Deployment of k8s/checkout.yaml is released; not compared: Ingress checkout (line 12)',
          advice: 'apply what the new version needs before the release, and the rest after it',
        },
      ],
      role: null,
    },
  },
  'first-release-not-ready': {
    now: at('10:07:00'),
    situation: {
      kind: 'first-release',
      status: 'rolled-back',
      reason: {
        code: 'canary-not-ready',
        text: 'it was not ready within 5 min: Deployment shop/checkout has 0 of 3 pods ready (CrashLoopBackOff); Deployment shop/checkout was removed again',
        metric: null,
      },
      subject,
      rolloutId: 'r1',
      times: { startedAt: at('10:01:00'), finishedAt: at('10:07:00') },
      findings: [],
      role: null,
    },
  },
  'first-release-planned': {
    now: at('10:02:00'),
    situation: {
      kind: 'first-release',
      status: 'planned',
      reason: {
        code: 'planned',
        text: 'Deployment shop/checkout does not exist: it would be created as the manifest has it, without steps, because there is nothing to compare it with',
        metric: null,
      },
      subject,
      rolloutId: 'r1',
      times: null,
      findings: [],
      role: 'kind: Role\n',
    },
  },
};
