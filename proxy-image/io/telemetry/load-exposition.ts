import { createRequire } from 'node:module';

type Exposition = typeof import('./exposition.ts');

/** What writes `/metrics`: loaded with the first scrape, so that a proxy that nobody scrapes never reads it. */
export function loadExposition(): Exposition {
  return typeof require === 'function' ? require('./exposition.ts') : createRequire(import.meta.url)('./exposition.ts');
}
