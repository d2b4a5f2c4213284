import { readInitConfig } from '../config/config.ts';
import { applyRedirect, realHost } from '../io/init/apply.ts';
import { printLine } from './print-line.ts';
import type { Invocation } from './verb.ts';

/** `init`: redirects the traffic of the pod to the proxy. */
export async function verb({ environment }: Invocation): Promise<void> {
  const options = readInitConfig(environment);
  printLine({
    level: 'info',
    message: 'redirection is in force',
    tables: applyRedirect(options, realHost).join(', '),
  });
}
