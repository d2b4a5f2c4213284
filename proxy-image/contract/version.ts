/** Version of the proxy, the one of `package.json`; a test holds them together. */
export const VERSION = '0.1.0';

/** Defined when an image is built (`hack/images/bundle.ts`). */
declare const WEFT_COMMIT: string | undefined;

/** The commit that last changed what the image is made from; `unknown` outside an image. */
export const COMMIT = typeof WEFT_COMMIT === 'string' ? WEFT_COMMIT : 'unknown';
