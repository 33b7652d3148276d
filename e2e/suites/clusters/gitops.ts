import { claimNoneLost, claimPromoted, claimStatus, runAction } from '../../harness/case.ts';
import type { KubeObject } from '../../harness/json.ts';
import { paths } from '../../harness/kube.ts';
import { deployment, httpRoute, imageOf, service } from '../../harness/objects.ts';
import { claimNothingLeft } from '../../harness/remains.ts';
import { releaseInputs, untilMeasured } from '../../harness/shop.ts';
import { httpSender, lost, startTraffic, untilServed } from '../../harness/traffic.ts';
import {
  allowed,
  type HazardCase,
  type HazardContext,
  type Outcome,
  openSetting,
  refused,
  released,
  type Setting,
} from './case.ts';
import { ALL_KINDS, claimAllEqual, everything, shopObjects } from './surroundings.ts';

const NEW = '2.0';
const DEPLOYMENT = 'Deployment/checkout';
const ROUTE = 'HTTPRoute/checkout';

interface Marks {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a tool leaves on an object that it owns. */
const argoCd = (namespace: string, type: string): Marks => ({
  annotations: { 'argocd.argoproj.io/tracking-id': `shop-prod:${type}:${namespace}/checkout` },
});
const KUSTOMIZATION: Marks = {
  labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' },
};
const HELM: Marks = {
  labels: { 'app.kubernetes.io/managed-by': 'Helm' },
  annotations: { 'meta.helm.sh/release-name': 'checkout', 'meta.helm.sh/release-namespace': 'shop' },
};
const NONE: Marks = {};

const marked = (object: KubeObject, { labels = {}, annotations = {} }: Marks): KubeObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    labels: { ...object.metadata.labels, ...labels },
    annotations: { ...object.metadata.annotations, ...annotations },
  },
});

/** The usual shop, with one object that the tool made. */
const owned = (namespace: string, name: string, manager: string, marks: Marks): Setting => ({
  managers: { [name]: manager },
  objects: shopObjects(namespace).map((object) =>
    `${object.kind}/${object.metadata.name}` === name ? marked(object, marks) : object,
  ),
});

const stable = (manager: string, marks: (namespace: string) => Marks) => (context: HazardContext) =>
  owned(context.namespace, DEPLOYMENT, manager, marks(context.namespace));
const byArgoCd = stable('argocd-controller', (namespace) => argoCd(namespace, 'apps/Deployment'));
const byFlux = stable('kustomize-controller', () => KUSTOMIZATION);
const byAnyController = stable('argocd-controller', () => NONE);
const byHelm = stable('helm', () => HELM);

const route = (context: HazardContext, manager: string, marks: Marks): Setting =>
  owned(context.namespace, ROUTE, manager, marks);
const routeByArgoCd = (context: HazardContext): Setting =>
  route(context, 'argocd-controller', argoCd(context.namespace, 'gateway.networking.k8s.io/HTTPRoute'));

const refusal = (of: (context: HazardContext) => Setting, text: string) => (context: HazardContext) =>
  refused(context, { ...of(context), reasonCode: 'owned-by-controller', text, allow: 'drift' });

/** The controller's next reconciliation, with the new image in git. */
const reconcile = async ({ kube, namespace }: HazardContext, image: string): Promise<number> => {
  const { metadata, ...rest } = marked(deployment({ namespace, name: 'checkout', version: NEW }), KUSTOMIZATION);
  const path = `${paths.deployments(namespace)}/checkout?fieldManager=kustomize-controller&force=true`;
  const { status } = await kube.call('PATCH', path, { ...rest, metadata }, 'application/apply-patch+yaml');
  await kube.until(`stable on ${image}`, async () => {
    const { spec, status: seen } = await kube.get(`${paths.deployments(namespace)}/checkout`);
    const { updatedReplicas = 0, readyReplicas = 0 } = (seen ?? {}) as Record<string, number>;
    return JSON.stringify(spec).includes(image) && updatedReplicas === 3 && readyReplicas === 3;
  });
  return status;
};

/** All traffic on the canary, then the owner updates stable, then a second job finishes. */
const untilPromotion = async (context: HazardContext): Promise<Outcome> => {
  const leave = await context.gate.enter();
  try {
    const shop = await openSetting(context, byFlux(context));
    const sender = httpSender(shop.host);
    await untilServed(sender);
    const traffic = startTraffic({ sender, rps: context.full ? 200 : 100, seed: `${context.seed} ${shop.namespace}` });
    await untilMeasured(shop);
    const before = await everything(context, shop);
    const image = imageOf('checkout', NEW);
    const inputs = releaseInputs(shop, image, 'checkout');
    const short = { weights: '50', interval: '3s', drain: '2s' };
    const left = await runAction(context, { ...inputs, ...short, until: 'promotion' });
    claimStatus(context, left, 'paused', 'paused', 0);
    const status = await reconcile(context, image);
    context.claims.claim('its controller updates stable', status === 200, status);
    const { prometheus = '', kubeconfig = '' } = inputs;
    const { namespace } = shop;
    const given = { command: 'resume', deployment: 'checkout', namespace, kubeconfig, prometheus };
    const done = await runAction(context, given);
    claimStatus(context, done, 'promoted', 'completed', 0);
    const report = await traffic.end();
    claimNoneLost(context, report);
    await claimNothingLeft(context, shop, before, shop.namespace, ALL_KINDS);
    claimAllEqual(context.claims, before, await everything(context, shop), [DEPLOYMENT]);
    await claimPromoted(context, { shop, before, traffic }, 'checkout', image);
    const outcome = `paused, then ${done.outputs['status']}, ${lost(report)} of ${report.sent} lost`;
    return { does: 'leaves stable to its owner, and finishes', outcome, override: '`until: promotion`' };
  } finally {
    leave();
  }
};

/** Pods that a Service can select together with the canary's. */
const servedByPods = ({ namespace }: HazardContext): readonly KubeObject[] => [
  deployment({ namespace, name: 'checkout', version: '1.0', labels: { app: 'checkout', role: 'web' } }),
  service(namespace, 'checkout'),
  httpRoute(namespace, 'outside', [{ backendRefs: [{ name: 'checkout', port: 80 }] }]),
];

const BY_PODS = { route: 'replicas', weights: '5, 50' };

const GITOPS: readonly Omit<HazardCase, 'hazard'>[] = [
  {
    name: 'gitops-argo-cd',
    what: 'a Deployment that Argo CD made and tracks',
    run: refusal(byArgoCd, 'the Argo CD Application shop-prod owns its image'),
  },
  {
    name: 'gitops-flux',
    what: 'a Deployment that a Flux Kustomization made',
    onlyFull: true,
    run: refusal(byFlux, 'the Flux Kustomization flux-system/apps owns its image'),
  },
  {
    name: 'gitops-field-manager',
    what: 'a Deployment whose image argocd-controller wrote, without any mark',
    onlyFull: true,
    run: refusal(byAnyController, 'Argo CD owns its image'),
  },
  {
    name: 'gitops-drift',
    what: 'a Deployment that a Flux Kustomization made',
    onlyFull: true,
    run: (context) =>
      allowed(context, 'drift', {
        ...byFlux(context),
        version: NEW,
        expect: 'promoted',
        does: 'releases it, with a warning',
        text: '(allowed by `allow: drift`)',
      }),
  },
  {
    name: 'gitops-drift-bad',
    what: 'a Deployment that Argo CD made and tracks, and a bad version',
    onlyFull: true,
    run: (context) =>
      allowed(context, 'drift', {
        ...byArgoCd(context),
        version: '3.0-bad50',
        expect: 'rolled-back',
        does: 'rolls it back, with a warning',
      }),
  },
  {
    name: 'gitops-until-promotion',
    what: 'a Deployment that a Flux Kustomization made, and updates once git has the new image',
    run: untilPromotion,
  },
  {
    name: 'gitops-route',
    what: 'a route that Argo CD made and tracks',
    run: (context) =>
      released(context, {
        ...routeByArgoCd(context),
        version: NEW,
        expect: 'promoted',
        does: 'warns, with what to paste',
        text: ['the Argo CD Application shop-prod owns the entries', 'RespectIgnoreDifferences=true'],
      }),
  },
  {
    name: 'gitops-route-bad',
    what: 'a route that a Flux Kustomization made, and a bad version',
    onlyFull: true,
    run: (context) =>
      released(context, {
        ...route(context, 'kustomize-controller', KUSTOMIZATION),
        version: '3.0-bad50',
        expect: 'rolled-back',
        does: 'warns, with what to paste',
        text: ['the Flux Kustomization flux-system/apps owns the entries', "- '/spec/rules/0/backendRefs'"],
      }),
  },
  {
    name: 'gitops-helm',
    what: 'a Deployment of a Helm release',
    onlyFull: true,
    run: (context) =>
      released(context, {
        ...byHelm(context),
        version: NEW,
        expect: 'promoted',
        does: 'tells what the next upgrade does',
        text: `the next \`helm upgrade\` brings the old version back`,
      }),
  },
];

const ROUNDING: readonly Omit<HazardCase, 'hazard'>[] = [
  {
    name: 'rounding',
    what: 'three stable pods, and 5 % asked of `route: replicas`',
    run: (context) =>
      refused(context, {
        objects: servedByPods(context),
        inputs: BY_PODS,
        reasonCode: 'route-unsupported',
        text: 'one canary pod beside 3 stable pods gets 25 %: that needs at least 9 stable pods',
        allow: 'rounding',
      }),
  },
  {
    name: 'rounding-allowed',
    what: 'three stable pods, and 5 % asked of `route: replicas`',
    onlyFull: true,
    run: (context) =>
      allowed(context, 'rounding', {
        objects: servedByPods(context),
        inputs: BY_PODS,
        version: NEW,
        expect: 'promoted',
        does: 'goes as far as pods can, with a warning',
      }),
  },
];

export const cases: readonly HazardCase[] = [
  ...GITOPS.map((one) => ({ ...one, hazard: 'gitops' })),
  ...ROUNDING.map((one) => ({ ...one, hazard: 'rounding' })),
];
