/** Reads of JSON that others wrote: a path that is not there, or another type, is null. */
export const field = (json: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, key)
        ? (value as Readonly<Record<string, unknown>>)[key]
        : null,
    json,
  );

export const textAt = (json: unknown, ...path: readonly string[]): string | null => {
  const value = field(json, ...path);
  return typeof value === 'string' && value !== '' ? value : null;
};

export const numberAt = (json: unknown, ...path: readonly string[]): number | null => {
  const value = field(json, ...path);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

export const flagAt = (json: unknown, ...path: readonly string[]): boolean | null => {
  const value = field(json, ...path);
  return typeof value === 'boolean' ? value : null;
};

export const listOf = (json: unknown): readonly unknown[] => (Array.isArray(json) ? json : []);
