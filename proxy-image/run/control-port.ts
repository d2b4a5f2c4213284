import { createRequire } from 'node:module';

type ControlPortParts = typeof import('../stack/control/port.ts');

/** What answers the control plane: loaded for its first question, for most proxies are never asked one. */
export function loadControlPort(): ControlPortParts {
  return typeof require === 'function'
    ? require('../stack/control/port.ts')
    : createRequire(import.meta.url)('../stack/control/port.ts');
}
