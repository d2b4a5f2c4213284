import { createRequire } from 'node:module';

type RouteFamiliesModule = typeof import('./route-families.ts');

/** The metrics of routes that are not a profile's: loaded with the first request by one, for most proxies never see any. */
export function loadRouteFamilies(): RouteFamiliesModule {
  return typeof require === 'function'
    ? require('./route-families.ts')
    : createRequire(import.meta.url)('./route-families.ts');
}
