import { LineSplitter } from '../../../../lib/lines.ts';
import { WeftError } from '../../../contract/errors.ts';

/** Splits a byte stream into JSON texts, one a line. */
export class JsonLines {
  readonly #lines = new LineSplitter();

  /** Returns the values completed by `chunk`. Throws WeftError WEFT_DIRECT_API when a line is no JSON or endless. */
  push(chunk: Uint8Array): unknown[] {
    const values: unknown[] = [];
    const take = (line: string) => {
      if (line.trim() !== '') values.push(parseLine(line));
    };
    try {
      this.#lines.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength), take);
    } catch (error) {
      throw error instanceof RangeError ? new WeftError('WEFT_DIRECT_API', 'an event has no end', error) : error;
    }
    return values;
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new WeftError('WEFT_DIRECT_API', 'an event is no JSON', error);
  }
}
