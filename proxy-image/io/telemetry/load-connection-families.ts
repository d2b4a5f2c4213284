import { createRequire } from 'node:module';

type ConnectionFamiliesModule = typeof import('./connection-families.ts');

/** What is counted of connections: loaded with the first one, so that an idle proxy never reads it. */
export function loadConnectionFamilies(): ConnectionFamiliesModule {
  return typeof require === 'function'
    ? require('./connection-families.ts')
    : createRequire(import.meta.url)('./connection-families.ts');
}
