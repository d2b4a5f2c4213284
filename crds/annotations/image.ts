/** An image reference in its parts; `tag` and `digest` may be empty. */
export interface Image {
  repository: string;
  tag: string;
  digest: string;
}

const MAX_LENGTH = 512;
/** Grammar of the distribution specification; the parts cannot overlap, so matching is linear. */
const REFERENCE =
  /^((?:[A-Za-z0-9.-]+(?::[0-9]{1,5})?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** `null` when the text is no image reference. */
export function parseImage(text: string): Image | null {
  const match = text.length > MAX_LENGTH ? null : REFERENCE.exec(text);
  return match === null ? null : { repository: match[1]!, tag: match[2] ?? '', digest: match[3] ?? '' };
}

export function formatImage({ repository, tag, digest }: Image): string {
  return `${repository}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
}

/** The tag, or the digest of an image that has none; empty for neither. */
export function versionOf({ tag, digest }: Image): string {
  return tag === '' ? digest : tag;
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}
