import type { Image } from './image.ts';

/**
 * Where Linkerd and its vendor publish images. What a manifest says of them is a leftover from before the move: there is no Weft image of that name. An image
 * of any other registry is taken at its word, whatever it is called.
 */
const REPOSITORIES = [
  'cr.l5d.io/linkerd/',
  'ghcr.io/linkerd/',
  'gcr.io/linkerd-io/',
  'ghcr.io/buoyantio/',
  'docker.io/buoyantio/',
  'buoyantio/',
] as const;

/** Linkerd's release channels: `stable-2.14.10`, `edge-24.11.8`, `enterprise-2.16.2`, `preview-25.1.1`; git builds of its own. */
const VERSION =
  /^(?:stable|enterprise)-2\.[0-9]|^(?:edge|preview)-[0-9]{2}\.[0-9]{1,2}\.[0-9]|^(?:git|dev)-[0-9a-f]{8}$/;

/** Named by an annotation, or a tag alone (`proxy-version`). */
export function isLinkerdImage({ repository }: Pick<Image, 'repository'>): boolean {
  return REPOSITORIES.some((prefix) => repository.startsWith(prefix));
}

export function isLinkerdVersion(tag: string): boolean {
  return VERSION.test(tag);
}
