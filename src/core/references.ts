import { type Fields, fieldsOf, listOf, textOf } from './shape.ts';

/** A ConfigMap or Secret without which no pod of a template starts. */
export interface Reference {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
  /** Keys that it must have; []: any will do. */
  readonly keys: readonly string[];
  /** Where the template names it first: `containers[app].env[LEVEL]`. */
  readonly where: string;
}

type Found = Omit<Reference, 'keys'> & { readonly key: string | null };

const found = (kind: Reference['kind'], source: unknown, member: string, where: string): readonly Found[] => {
  const fields = fieldsOf(source);
  const name = textOf(fields[member]);
  if (name === null || name === '' || fields['optional'] === true) return [];
  const keys = [fields, ...listOf(fields['items']).map(fieldsOf)].flatMap((one) => textOf(one['key']) ?? []);
  return keys.length === 0 ? [{ kind, name, where, key: null }] : keys.map((key) => ({ kind, name, where, key }));
};

const ofContainer = (container: Fields): readonly Found[] => {
  const path = `containers[${textOf(container['name']) ?? ''}]`;
  const env = listOf(container['env']).flatMap((entry) => {
    const { name, valueFrom } = fieldsOf(entry);
    const where = `${path}.env[${textOf(name) ?? ''}]`;
    return [
      ...found('ConfigMap', fieldsOf(valueFrom)['configMapKeyRef'], 'name', where),
      ...found('Secret', fieldsOf(valueFrom)['secretKeyRef'], 'name', where),
    ];
  });
  const whole = listOf(container['envFrom']).flatMap((entry) => [
    ...found('ConfigMap', fieldsOf(entry)['configMapRef'], 'name', `${path}.envFrom`),
    ...found('Secret', fieldsOf(entry)['secretRef'], 'name', `${path}.envFrom`),
  ]);
  return [...env, ...whole];
};

const ofVolume = (volume: Fields): readonly Found[] => {
  const where = `volumes[${textOf(volume['name']) ?? ''}]`;
  const sources = listOf(fieldsOf(volume['projected'])['sources']).map(fieldsOf);
  return [
    ...found('ConfigMap', volume['configMap'], 'name', where),
    // The one place where the name of a Secret is called so.
    ...found('Secret', volume['secret'], 'secretName', where),
    ...sources.flatMap((source) => [
      ...found('ConfigMap', source['configMap'], 'name', where),
      ...found('Secret', source['secret'], 'name', where),
    ]),
  ];
};

/**
 * ConfigMaps and Secrets that a pod template names, each once, those marked `optional` excepted: the kubelet waits for all
 * others. https://kubernetes.io/docs/concepts/configuration/configmap/
 */
export const referencesOf = (template: unknown): readonly Reference[] => {
  const spec = fieldsOf(fieldsOf(template)['spec']);
  const containers = ['initContainers', 'containers'].flatMap((list) => listOf(spec[list]).map(fieldsOf));
  const all = [...containers.flatMap(ofContainer), ...listOf(spec['volumes']).map(fieldsOf).flatMap(ofVolume)];
  const byObject = new Map<string, Reference>();
  for (const { key, ...one } of all) {
    const id = `${one.kind}/${one.name}`;
    const before = byObject.get(id) ?? { ...one, keys: [] };
    const isNew = key !== null && !before.keys.includes(key);
    byObject.set(id, isNew ? { ...before, keys: [...before.keys, key] } : before);
  }
  return [...byObject.values()];
};
