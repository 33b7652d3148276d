export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[];
  };
  readonly spec?: Json;
  readonly status?: Json;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a path; undefined where the path leaves the document. */
export const at = (document: unknown, ...path: readonly (string | number)[]): unknown => {
  let value = document;
  for (const key of path) {
    if (typeof key === 'number' && Array.isArray(value)) value = value[key];
    else if (typeof key === 'string' && isRecord(value)) value = value[key];
    else return undefined;
  }
  return value;
};

export const textAt = (document: unknown, ...path: readonly (string | number)[]): string =>
  String(at(document, ...path) ?? '');

export const numberAt = (document: unknown, ...path: readonly (string | number)[]): number =>
  Number(at(document, ...path) ?? Number.NaN);

export const listAt = (document: unknown, ...path: readonly (string | number)[]): readonly unknown[] => {
  const value = at(document, ...path);
  return Array.isArray(value) ? value : [];
};
