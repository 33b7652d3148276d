import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';

interface Content {
  readonly content?: Readonly<
    Record<
      string,
      {
        readonly schema?: object;
        readonly examples?: Readonly<Record<string, { readonly $ref?: string; readonly value?: unknown }>>;
      }
    >
  >;
  readonly $ref?: string;
}

interface Operation {
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly examples: Readonly<Record<string, { readonly value: unknown }>>;
    readonly responses: Readonly<Record<string, Content>>;
  };
}

/** GitHub's own description of its API: what a request and an answer must look like. */
export interface Contract {
  /** Problems of a request body; [] when it fits. */
  readonly request: (template: string, method: string, body: unknown) => string[];
  readonly answer: (template: string, method: string, code: number, body: unknown) => string[];
  /** The description's own example of the first answer, the first one where it is a list. */
  readonly example: (template: string, method: string) => Record<string, unknown>;
}

// All of it is 13 MB: reading it held up every other server of the process for seconds.
const load = (): Description =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'description.json'), 'utf8')) as Description;

const pointer = (parts: readonly string[]): string =>
  parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');

const jsonOf = (content: Content | undefined): object | undefined => content?.content?.['application/json']?.schema;

const problemsOf = (ajv: Ajv, path: readonly string[], body: unknown, what: string): string[] => {
  const check = ajv.getSchema(`github#/${pointer(path)}`);
  if (check === undefined) return [`${what}: no schema at ${path.join('/')}`];
  if (check(body)) return [];
  return (check.errors ?? []).map(({ instancePath, message }) => `${what}${instancePath}: ${message}`);
};

/** Made when the first request comes. */
export const loadContract = (): Contract => {
  const description = load();
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false });
  formats.default(ajv);
  ajv.addSchema(description, 'github');
  const operationOf = (template: string, method: string): Operation | undefined =>
    description.paths[template]?.[method.toLowerCase()];
  const body = ['content', 'application/json', 'schema'];
  return {
    request: (template, method, sent) => {
      const operation = operationOf(template, method);
      if (operation === undefined) return [`${method} ${template} is not in the description`];
      if (jsonOf(operation.requestBody) === undefined)
        return sent === null ? [] : [`${method} ${template} takes no body`];
      return problemsOf(
        ajv,
        ['paths', template, method.toLowerCase(), 'requestBody', ...body],
        sent,
        `${method} ${template} request`,
      );
    },
    answer: (template, method, code, sent) => {
      const response = operationOf(template, method)?.responses[String(code)];
      // Whatever a token may not see is 404, listed or not.
      if (response === undefined && code === 404) return [];
      if (response === undefined) return [`${method} ${template}: ${code} is not an answer of the description`];
      const shared = response.$ref?.split('/').at(-1);
      const path =
        shared === undefined
          ? ['paths', template, method.toLowerCase(), 'responses', String(code)]
          : ['components', 'responses', shared];
      return problemsOf(ajv, [...path, ...body], sent, `${method} ${template} ${code}`);
    },
    example: (template, method) => {
      const [first] = Object.values(operationOf(template, method)?.responses ?? {});
      const [given] = Object.values(first?.content?.['application/json']?.examples ?? {});
      const name = given?.$ref?.split('/').at(-1);
      const value = name === undefined ? given?.value : description.components.examples[name]?.value;
      return structuredClone(Array.isArray(value) ? value[0] : value) as Record<string, unknown>;
    },
  };
};
