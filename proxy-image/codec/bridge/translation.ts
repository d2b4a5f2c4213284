import { createRequire } from 'node:module';

type Translation = typeof import('./translate.ts');

let translated: Translation | null = null;

/** Between the versions of HTTP: loaded with HTTP/2, by whoever needs it first, and for the same reason (`http2-engine.ts`). */
export function translation(): Translation {
  translated ??= load();
  return translated;
}

function load(): Translation {
  return typeof require === 'function' ? require('./translate.ts') : createRequire(import.meta.url)('./translate.ts');
}
