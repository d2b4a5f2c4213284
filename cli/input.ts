import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { CliError } from './errors.ts';
import type { Call } from './verb.ts';

/** Bytes: the largest descriptions of public APIs have 12 MB. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024;
const URL_SCHEME = /^https?:\/\//i;

/**
 * The text of a file, of a URL (http or https), or with `-` of the standard input.
 * @throws CliError WEFT_CLI_INPUT
 */
export async function readInput(
  { context, globals }: Pick<Call, 'context' | 'globals'>,
  source: string,
): Promise<string> {
  try {
    if (source === '-') return await textOf(context.stdin);
    if (URL_SCHEME.test(source)) return await fetched(source, globals.requestTimeout);
    return await textOf(createReadStream(resolve(context.cwd, source)));
  } catch (error) {
    throw new CliError('WEFT_CLI_INPUT', `${nameOfInput(source)}: ${reasonOf(error)}`, error);
  }
}

/** As it stands in messages. */
export function nameOfInput(source: string): string {
  return source === '-' ? 'stdin' : source;
}

async function fetched(url: string, timeoutMs: number): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the answer is ${response.status} ${response.statusText}`);
  }
  return response.body === null ? '' : await textOf(response.body);
}

async function textOf(chunks: AsyncIterable<Uint8Array | string>): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const part = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    length += part.length;
    if (length > MAX_INPUT_BYTES) throw new Error(`has more than ${MAX_INPUT_BYTES} bytes`);
    parts.push(part);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
}

/** `fetch` says nothing but "fetch failed"; what happened is the cause of it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, message } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
