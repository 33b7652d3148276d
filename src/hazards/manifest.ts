import type { Hazard } from '../ports/hazard.ts';

/**
 * Only its rows: what a manifest needs, and what else is in it, is looked at before there is a target, because the first
 * release of a Deployment needs it too (src/drive/check-template.ts).
 */
export const manifest: Hazard = {
  name: 'manifest',
  rows: [
    {
      hazard: 'a ConfigMap or Secret, or a key of a ConfigMap, that the new pod template names and that does not exist',
      handling: 'refuses and names what was probably meant; of Secrets only the names are read',
      code: 'invalid-config',
      override: '`optional: true` in the template',
    },
    {
      hazard: 'other objects in the `manifest`, and other fields of its Deployment',
      handling: 'are not released, and are named: first those that differ from the cluster',
      code: null,
      override: null,
    },
    {
      hazard: "a `manifest` whose selector is not the Deployment's",
      handling: 'refuses with its line: a selector can never be changed',
      code: 'invalid-config',
      override: null,
    },
    {
      hazard: 'no Deployment of that name yet, and a `manifest` that has it',
      handling: 'creates it, waits until it is ready, and removes it again if it is not',
      code: null,
      override: null,
    },
  ],
  reads: () => [],
  permissions: [],
  find: () => [],
};
