import type { TapLine } from '../../crds/viz/tap.ts';
import { isObject } from '../../lib/json.ts';
import { CliError } from '../errors.ts';

/** Longest line that is taken: an event has at most some 200 KiB. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;
const LINE_FEED = 0x0a;

/**
 * Cuts what the API server sends into lines; the last is one without its end too, if it is a whole one.
 * @throws CliError WEFT_CLI_UNREACHABLE: what comes is none of it
 */
export async function* tapLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TapLine> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED)) {
      const line = readLine(bytes.subarray(0, end));
      if (line !== null) yield line;
      bytes = bytes.subarray(end + 1);
    }
    rest = Uint8Array.from(bytes);
    if (rest.length > MAX_LINE_BYTES) throw unreadable(`a line is longer than ${MAX_LINE_BYTES} bytes`);
  }
}

/** `null`: of a type that is not known. */
function readLine(bytes: Uint8Array): TapLine | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : String(error));
  }
  if (!isObject(value)) throw unreadable('a line is no object');
  return isLine(value) ? value : null;
}

const TYPES: readonly unknown[] = ['pods', 'pod', 'event', 'missed'];

/** What the operator says is what it is declared to be: it is asked by way of the API server, which vouches for it. */
function isLine(value: object): value is TapLine {
  return 'type' in value && TYPES.includes(value.type);
}

function unreadable(detail: string): CliError {
  return new CliError('WEFT_CLI_UNREACHABLE', `what is answered to tap cannot be read: ${detail}`);
}
