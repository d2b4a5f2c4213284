import { WeftError } from '../contract/errors.ts';
import type { Invocation } from './verb.ts';

/** @throws WeftError WEFT_USAGE */
export async function verb({ name }: Invocation): Promise<void> {
  throw new WeftError('WEFT_USAGE', `no verb ${JSON.stringify(name.slice(0, 40))}`);
}
