import { setTimeout as sleep } from 'node:timers/promises';
import { WeftError } from '../../contract/errors.ts';

/** Short beside the start of any application, long beside the cost of a poll. */
const POLL_MS = 100;

export interface AwaitOptions {
  adminUrl: string;
  timeoutMs: number;
}

/**
 * Polls `/ready` of the proxy until it answers 200 (Linkerd: linkerd-await). A poll is bounded too: a listener that accepts and never
 * answers counts as not ready.
 * @throws WeftError WEFT_AWAIT_TIMEOUT with the last thing seen
 */
export async function awaitReady(options: AwaitOptions): Promise<void> {
  const deadline = Date.now() + options.timeoutMs;
  let seen = 'no answer';
  while (Date.now() < deadline) {
    seen = await pollOnce(`${options.adminUrl}/ready`, Math.min(1000, Math.max(1, deadline - Date.now())));
    if (seen === '200') return;
    await sleep(Math.min(POLL_MS, Math.max(1, deadline - Date.now())));
  }
  throw new WeftError('WEFT_AWAIT_TIMEOUT', `${options.adminUrl}/ready: ${seen} after ${options.timeoutMs} ms`);
}

async function pollOnce(url: string, timeoutMs: number): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    await response.arrayBuffer();
    return `${response.status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
