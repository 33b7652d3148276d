import type { RouteChoice } from '../core/spec.ts';
import { nameProblem } from './names.ts';
import { linesOf, type Part, type Report, type Tree } from './tree.ts';
import { listed, nearest, quote } from './words.ts';

/** What the configuration needs to know about the adapters. */
export interface Catalogue {
  readonly routeKinds: readonly RouteKind[];
  /** Names that `preset` takes, beside `auto`. */
  readonly presets: readonly string[];
}

export interface RouteKind {
  /** As Kubernetes writes it: `HTTPRoute`. */
  readonly kind: string;
  /** Other spellings that users know from kubectl: `httproutes`. */
  readonly aliases: readonly string[];
  /** Name of the adapter. Routes of one rollout go through one adapter. */
  readonly router: string;
}

interface Route {
  readonly kind: string;
  readonly name: string;
  readonly router: string;
}

const kindNamed = (name: string, catalogue: Catalogue): RouteKind | null =>
  catalogue.routeKinds.find((one) => [one.kind, ...one.aliases].some((known) => known.toLowerCase() === name)) ?? null;

const kindProblem = (name: string, catalogue: Catalogue): string => {
  const kinds = catalogue.routeKinds.map((one) => one.kind.toLowerCase());
  const spellings = catalogue.routeKinds.flatMap((one) =>
    [one.kind, ...one.aliases].map((known) => known.toLowerCase()),
  );
  const best = nearest(name, [...spellings, 'replicas']);
  const known = best === null ? '; known:' : `; did you mean \`${best}\`? Known:`;
  return `unknown kind of route ${quote(name)}${known} ${listed([...kinds, 'replicas'])}`;
};

const readLine = (part: Part, catalogue: Catalogue, report: Report): Route | null => {
  const [kindText = '', name, ...more] = part.text.split('/').map((piece) => piece.trim());
  const kind = kindNamed(kindText.toLowerCase(), catalogue);
  if (kindText.toLowerCase() === 'replicas') {
    report(part.place, '`replicas` stands alone, without other routes and without a name');
    return null;
  }
  if (name === undefined) {
    const plain = kind === null ? kindProblem(kindText, catalogue) : `${quote(part.text)}: the name is missing`;
    report(part.place, `${plain}; write \`KIND/NAME\`, such as \`httproute/checkout\`, or \`replicas\``);
    return null;
  }
  if (more.length > 0) {
    report(part.place, `${quote(part.text)}: write \`KIND/NAME\`; routes are in the namespace of the Deployment`);
    return null;
  }
  const wrongName = nameProblem(name, 'subdomain');
  if (kind === null) report(part.place, kindProblem(kindText, catalogue));
  if (wrongName !== null) report(part.place, wrongName);
  return kind === null || wrongName !== null ? null : { kind: kind.kind.toLowerCase(), name, router: kind.router };
};

/** `replicas`, or one `KIND/NAME` per line, all of one adapter. null after reporting every mistake. */
export const readRoute = (tree: Tree, catalogue: Catalogue, report: Report): RouteChoice | null => {
  const parts = linesOf(tree);
  if (parts.length === 1 && parts[0]?.text.toLowerCase() === 'replicas') return { kind: 'replicas' };
  if (parts.length === 0) {
    report(tree.place, 'the route is empty; write `KIND/NAME` or `replicas`');
    return null;
  }
  const routes: Route[] = [];
  for (const part of parts) {
    const route = readLine(part, catalogue, report);
    if (route === null) continue;
    const first = routes[0];
    const twice = routes.some((other) => other.kind === route.kind && other.name === route.name);
    const mixed = first !== undefined && first.router !== route.router;
    if (twice) report(part.place, `${quote(part.text)} is named twice`);
    else if (mixed)
      report(
        part.place,
        `${quote(part.text)} goes through \`${route.router}\`, the route before it through \`${first.router}\`; one rollout uses one`,
      );
    else routes.push(route);
  }
  if (routes.length !== parts.length) return null;
  return { kind: 'objects', routes: routes.map(({ kind, name }) => ({ kind, name })) };
};
