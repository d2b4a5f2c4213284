import { WeftError } from '../../../contract/errors.ts';

/** etcd refuses objects above 1.5 MiB by default; a watch event adds little to one. */
const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;

/** Splits a byte stream into JSON texts, one a line. */
export class JsonLines {
  readonly #decoder = new TextDecoder();
  #rest = '';

  /** Returns the values completed by `chunk`. Throws WeftError WEFT_DIRECT_API when a line is no JSON or endless. */
  push(chunk: Uint8Array): unknown[] {
    const text = this.#decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_CHARACTERS) throw new WeftError('WEFT_DIRECT_API', 'an event has no end');
    return lines.filter((line) => line.trim() !== '').map(parseLine);
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new WeftError('WEFT_DIRECT_API', 'an event is no JSON', error);
  }
}
