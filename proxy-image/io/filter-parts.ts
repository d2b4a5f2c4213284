import { createRequire } from 'node:module';

type FilterParts = typeof import('../core/filter/apply.ts');

/** What works out what filters do: loaded with the first request that meets any, for most proxies never see one. */
export function loadFilterParts(): FilterParts {
  return typeof require === 'function'
    ? require('../core/filter/apply.ts')
    : createRequire(import.meta.url)('../core/filter/apply.ts');
}
