type Labels = Readonly<Record<string, string>>;
type Test = (labels: Labels) => boolean;
type Read<Value> = { readonly value: Value; readonly rest: string } | null;

const LONGEST = 10_000;
const DEEPEST = 50;

const take = (text: string, pattern: RegExp): Read<string> => {
  const found = pattern.exec(text);
  return found === null ? null : { value: found[1] ?? found[0], rest: text.slice(found[0].length).trimStart() };
};

const literal = (text: string): Read<string> => take(text, /^"([^"]*)"/) ?? take(text, /^'([^']*)'/);

const literals = (text: string): Read<readonly string[]> => {
  const [, inside, rest] = /^\{([^}]*)\}\s*([\s\S]*)$/.exec(text) ?? [];
  if (inside === undefined || rest === undefined) return null;
  const values = [...inside.matchAll(/"([^"]*)"|'([^']*)'/g)].map(([, double, single]) => double ?? single ?? '');
  return { value: values, rest };
};

const OPERATORS: readonly (readonly [RegExp, (actual: string | undefined, wanted: string) => boolean])[] = [
  [/^==/, (actual, wanted) => actual === wanted],
  [/^!=/, (actual, wanted) => actual !== wanted],
  [/^contains\b/, (actual, wanted) => actual?.includes(wanted) === true],
  [/^starts with\b/, (actual, wanted) => actual?.startsWith(wanted) === true],
  [/^ends with\b/, (actual, wanted) => actual?.endsWith(wanted) === true],
];

const comparison = (key: string, text: string): Read<Test> => {
  const negated = take(text, /^not in\b/);
  const list = negated ?? take(text, /^in\b/);
  if (list !== null) {
    const read = literals(list.rest);
    if (read === null) return null;
    const isIn: Test = (labels) => labels[key] !== undefined && read.value.includes(labels[key]);
    return { value: negated === null ? isIn : (labels) => !isIn(labels), rest: read.rest };
  }
  for (const [pattern, holds] of OPERATORS) {
    const operator = take(text, pattern);
    const wanted = operator === null ? null : literal(operator.rest);
    if (wanted !== null) return { value: (labels) => holds(labels[key], wanted.value), rest: wanted.rest };
  }
  return null;
};

const term = (text: string, depth: number): Read<Test> => {
  if (depth > DEEPEST) return null;
  const not = take(text, /^!/);
  if (not !== null) {
    const inner = term(not.rest, depth + 1);
    return inner === null ? null : { value: (labels) => !inner.value(labels), rest: inner.rest };
  }
  const open = take(text, /^\(/);
  if (open !== null) {
    const inner = either(open.rest, depth + 1);
    const close = inner === null ? null : take(inner.rest, /^\)/);
    return inner === null || close === null ? null : { value: inner.value, rest: close.rest };
  }
  const all = take(text, /^(?:all|global)\(\s*\)/);
  if (all !== null) return { value: () => true, rest: all.rest };
  const has = take(text, /^has\(\s*([\w./-]+)\s*\)/);
  if (has !== null) return { value: (labels) => labels[has.value] !== undefined, rest: has.rest };
  const key = take(text, /^[\w./-]+/);
  return key === null ? null : comparison(key.value, key.rest);
};

const joined = (
  part: (text: string, depth: number) => Read<Test>,
  operator: RegExp,
  join: (tests: readonly Test[]) => Test,
) => {
  return (text: string, depth: number): Read<Test> => {
    const first = part(text, depth);
    if (first === null) return null;
    const tests = [first.value];
    let { rest } = first;
    for (let next = take(rest, operator); next !== null; next = take(rest, operator)) {
      const following = part(next.rest, depth);
      if (following === null) return null;
      tests.push(following.value);
      rest = following.rest;
    }
    return { value: join(tests), rest };
  };
};

const both = joined(term, /^&&/, (tests) => (labels) => tests.every((test) => test(labels)));
const either: (text: string, depth: number) => Read<Test> = joined(
  both,
  /^\|\|/,
  (tests) => (labels) => tests.some((test) => test(labels)),
);

/**
 * A selector of Calico's own language, as a test of labels; null when it is not understood. An empty one is `all()`.
 * https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selectors
 */
export const calicoSelector = (text: string): Test | null => {
  if (text.trim() === '') return () => true;
  const read = text.length > LONGEST ? null : either(text.trim(), 0);
  return read?.rest === '' ? read.value : null;
};
