import { addAt, jsonPatch, testOf } from '../core/json-patch.ts';
import { writtenTemplate } from '../core/manifest.ts';
import { DEPLOYMENT, objectRef, type Request, type Seen } from '../core/objects.ts';
import type { Finding } from '../core/reason.ts';
import { canonical, type Fields, fieldsOf, textOf } from '../core/shape.ts';
import type { FilePlace, Manifest } from '../core/spec.ts';
import type { Json } from '../core/units.ts';
import { writtenPaths } from '../core/written-paths.ts';
import type { RequestedVersion, Workload, WorkloadRequest } from '../ports/workload.ts';
import { type Deployment, texts, toJson, without } from './shape.ts';
import { surveyOf } from './survey.ts';

type Offer = ReturnType<Workload['offer']>;

export type ManifestVersion = Extract<RequestedVersion, { readonly kind: 'manifest' }>;

const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
const LISTED = 10;

const wrong = ({ file }: Manifest, { line, column }: FilePlace, message: string, advice: string | null): Finding => ({
  severity: 'error',
  code: 'invalid-config',
  where: `${file}:${line}:${column}`,
  message,
  advice,
});

const namespaceFindings = (manifest: Manifest, { namespace, deployment }: WorkloadRequest): readonly Finding[] =>
  manifest.namespace === null || manifest.namespace === namespace
    ? []
    : [
        wrong(
          manifest,
          manifest.places.namespace,
          `the Deployment ${deployment} is for the namespace ${manifest.namespace}, and the release is in ${namespace}`,
          `Give \`namespace: ${manifest.namespace}\`, or change the file.`,
        ),
      ];

const selectorText = (selector: unknown): string =>
  Object.entries(texts(fieldsOf(selector)['matchLabels']))
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');

/** What the API server leaves out when it is empty. */
const selectorOf = (spec: unknown): string => {
  const { matchLabels, matchExpressions } = fieldsOf(fieldsOf(spec)['selector']);
  return canonical([matchLabels ?? {}, matchExpressions ?? []]);
};

const selectorFindings = (manifest: Manifest, stable: Deployment): readonly Finding[] => {
  const [live, written] = [stable.object['spec'], manifest.deployment['spec']];
  if (selectorOf(live) === selectorOf(written)) return [];
  const [now, next] = [fieldsOf(live)['selector'], fieldsOf(written)['selector']].map(selectorText);
  return [
    wrong(
      manifest,
      manifest.places.selector,
      `the selector of the Deployment ${stable.name} is ${now} in the cluster and ${next} here, and it can never be changed`,
      'Write the selector that the Deployment has, or release under another name.',
    ),
  ];
};

const NOT_COMPARED = new Set(['selector', 'template']);

/** Only the pod template is released: whoever changed more than that must know. */
const leftFindings = (manifest: Manifest, stable: Deployment): readonly Finding[] => {
  const { labels, annotations } = fieldsOf(manifest.deployment['metadata']);
  const spec = without(fieldsOf(manifest.deployment['spec']), NOT_COMPARED);
  const paths = [
    ...writtenPaths(stable.object.metadata, { labels, annotations }, 'metadata'),
    ...writtenPaths(stable.object['spec'], spec, 'spec'),
  ];
  if (paths.length === 0) return [];
  const more = paths.length > LISTED ? `, and ${paths.length - LISTED} more` : '';
  return [
    {
      severity: 'warning',
      code: 'stable-changed',
      where: `${manifest.file}:${manifest.places.deployment.line}`,
      message: `of the Deployment ${stable.name} only the pod template is released; these differ from the cluster and stay as they are there: ${paths.slice(0, LISTED).join(', ')}${more}`,
      advice: 'Apply them with your own deploy step.',
    },
  ];
};

/** A restart that somebody asked for is no part of any file; without it every release would be a change. */
const withRestart = (template: Fields, stable: Deployment): Fields => {
  const restartedAt = textOf(fieldsOf(fieldsOf(stable.template['metadata'])['annotations'])[RESTARTED_AT]);
  if (restartedAt === null) return template;
  const metadata = fieldsOf(template['metadata']);
  const annotations = { [RESTARTED_AT]: restartedAt, ...fieldsOf(metadata['annotations']) };
  return { ...template, metadata: { ...metadata, annotations } };
};

const creation = (manifest: Manifest, { namespace, deployment }: WorkloadRequest): Request => {
  const { status: _status, ...rest } = manifest.deployment;
  const metadata = { ...fieldsOf(rest['metadata']), name: deployment, namespace };
  return {
    verb: 'create',
    ref: objectRef(DEPLOYMENT, namespace, deployment),
    contentType: 'application/json',
    body: toJson({ ...rest, metadata }),
  };
};

const noReplicas = (manifest: Manifest): readonly Finding[] =>
  fieldsOf(manifest.deployment['spec'])['replicas'] === 0
    ? [wrong(manifest, manifest.places.deployment, 'with `replicas: 0` nothing would run', 'Write at least 1.')]
    : [];

/**
 * What gives stable the manifest's pod template, as a patch of this template alone; where there is no such Deployment, the
 * creation of it. With it, what the file says that the cluster cannot take, or that is not released.
 */
export const offer = (seen: Seen, request: WorkloadRequest): Offer => {
  const { version } = request;
  if (version.kind !== 'manifest') return { write: null, findings: [] };
  const { manifest } = version;
  const { stable } = surveyOf(seen, request);
  const place = namespaceFindings(manifest, request);
  if (stable === null) return { write: creation(manifest, request), findings: [...place, ...noReplicas(manifest)] };
  const findings = [...place, ...selectorFindings(manifest, stable), ...leftFindings(manifest, stable)];
  const template: Json = toJson(withRestart(writtenTemplate(manifest), stable));
  const write = jsonPatch(objectRef(DEPLOYMENT, request.namespace, request.deployment), [
    testOf('/metadata/uid', stable.uid),
    testOf('/spec/template', toJson(stable.template)),
    addAt('/spec/template', template),
  ]);
  return { write, findings };
};

/** The template as the API server completed it; as written where it was not asked. */
export const templateOfManifest = ({ manifest, template }: ManifestVersion): Fields =>
  template === null ? writtenTemplate(manifest) : fieldsOf(template);
