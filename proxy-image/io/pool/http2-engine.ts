import { createRequire } from 'node:module';

type Http2Parts = typeof import('./http2-parts.ts');

/**
 * HTTP/2, loaded when it is spoken first: memory that a proxy of HTTP/1 and TCP alone never pays (hack/adr/0006-runtime-flags.md). Synchronous, because the
 * first bytes of a connection are at hand when it is known to be needed: Bun and the bundled image have `require`, Node makes one.
 */
export class Http2Engine {
  #parts: Http2Parts | null = null;

  get parts(): Http2Parts {
    this.#parts ??= load();
    return this.#parts;
  }
}

function load(): Http2Parts {
  return typeof require === 'function'
    ? require('./http2-parts.ts')
    : createRequire(import.meta.url)('./http2-parts.ts');
}
