import type { ImageChange } from '../core/spec.ts';
import { isDnsLabel, nameProblem } from './names.ts';
import { linesOf, type Part, type Report, type Tree } from './tree.ts';
import { quote } from './words.ts';

// https://github.com/distribution/reference/blob/main/reference.go: [domain/]path[:tag][@digest]
const DOMAIN = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::\d+)?/`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const TAG = ':[A-Za-z0-9_][A-Za-z0-9._-]{0,127}';
const DIGEST = '@[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}';
const REFERENCE = new RegExp(`^(?:${DOMAIN})?${PART}(?:/${PART})*(?:${TAG})?(?:${DIGEST})?$`);
const LONGEST = 1_024;

/** Why an image reference cannot be one; null when it can. It is never changed: what is written is what is promoted. */
export const imageProblem = (image: string): string | null => {
  if (image === '') return 'the image is empty';
  if (/\s/.test(image)) return `${quote(image)}: an image has no spaces; several images go one per line`;
  if (image.length > LONGEST) return `${quote(image)} is longer than ${LONGEST} characters`;
  if (REFERENCE.test(image)) return null;
  if (/[^:@][:@]$/.test(image))
    return `${quote(image)}: the tag after \`${image.slice(-1)}\` is empty; does the variable that holds it exist?`;
  if (/^https?:\/\//.test(image)) return `${quote(image)}: an image has no \`https://\` before it`;
  const cut = image.search(/(?::[^/]*|@.*)$/);
  const lower = cut < 0 ? image.toLowerCase() : image.slice(0, cut).toLowerCase() + image.slice(cut);
  if (lower !== image && REFERENCE.test(lower))
    return `${quote(image)}: repositories are lower case; did you mean ${quote(lower)}?`;
  return `${quote(image)} is not an image; write it like \`ghcr.io/acme/checkout:1.4.2\``;
};

const readLine = (part: Part, report: Report): ImageChange | null => {
  const equals = part.text.indexOf('=');
  const container = equals < 0 ? null : part.text.slice(0, equals).trim();
  const image = part.text.slice(equals + 1).trim();
  const wrongContainer = container === null || isDnsLabel(container) ? null : nameProblem(container, 'label');
  const wrongImage = imageProblem(image);
  if (wrongContainer !== null) report(part.place, `container ${wrongContainer}`);
  if (wrongImage !== null) report(part.place, wrongImage);
  return wrongContainer === null && wrongImage === null ? { container, image } : null;
};

/** A bare image, or one `container=image` per line. null after reporting every mistake. */
export const readImages = (tree: Tree, report: Report): readonly ImageChange[] | null => {
  const parts = linesOf(tree);
  if (parts.length === 0) {
    report(tree.place, 'the image is empty');
    return null;
  }
  const images: ImageChange[] = [];
  for (const part of parts) {
    const image = readLine(part, report);
    if (image === null) continue;
    const bare = image.container === null && parts.length > 1;
    const twice = images.some((other) => other.container !== null && other.container === image.container);
    if (bare)
      report(part.place, `${quote(part.text)}: with several images each line needs its container: \`container=image\``);
    if (twice) report(part.place, `container ${quote(image.container ?? '')} has two images`);
    if (!bare && !twice) images.push(image);
  }
  return images.length === parts.length ? images : null;
};
