import { createRequire } from 'node:module';

type Traffic = typeof import('./telemetry/traffic/reporter.ts');

/** Reports of traffic: loaded when the operator first asks for any. */
export function loadTraffic(): Traffic {
  return typeof require === 'function'
    ? require('./telemetry/traffic/reporter.ts')
    : createRequire(import.meta.url)('./telemetry/traffic/reporter.ts');
}
