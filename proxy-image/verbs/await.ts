import { readAwaitConfig } from '../config/config.ts';
import { awaitReady } from '../io/init/await.ts';
import type { Invocation } from './verb.ts';

/** `await`: ends when the proxy of the same pod is ready. */
export async function verb({ args, environment }: Invocation): Promise<void> {
  await awaitReady(readAwaitConfig(args, environment));
}
