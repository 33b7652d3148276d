/** Shorter values are no secrets, and replacing them would make messages unreadable. */
const SHORTEST_SECRET = 4;

/**
 * Replaces every secret in a text by `***`. Of a header such as `Bearer abc` the parts are secrets too. The longest are
 * replaced first, so that no rest of a secret is left over.
 */
export const redactor = (secrets: readonly string[]): ((text: string) => string) => {
  const parts = secrets.flatMap((secret) => [secret, ...secret.trim().split(/\s+/)]);
  const unique = [...new Set(parts)].filter((part) => part.length >= SHORTEST_SECRET && !SCHEMES.has(part));
  unique.sort((a, b) => b.length - a.length);
  return (text) => unique.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
};

/** What a header value begins with: words that say nothing. */
const SCHEMES: ReadonlySet<string> = new Set(['Basic', 'Bearer', 'Digest', 'basic', 'bearer']);
