import { passesInTrailers } from '../../http/fields.ts';
import type { Trailers } from '../../http/message.ts';
import type { BlockWriter } from './hpack/encode.ts';
import { HeaderList } from './hpack/header-list.ts';
import type { Http2Scratch } from './scratch.ts';

/** A valid trailer section of HTTP/2 (RFC 9113 section 8.1), worked out once per header list: by `trailersOf`. */
export class Http2Trailers implements Trailers {
  readonly list: HeaderList;
  /** 0..16; UNKNOWN for what is no status; NO_GRPC_STATUS when there is none. */
  readonly grpcStatus: number;
  #block: Buffer | null = null;

  constructor(list: HeaderList, grpcStatus: number) {
    this.list = list;
    this.grpcStatus = grpcStatus;
  }

  get names(): readonly string[] {
    return this.list.names;
  }

  get values(): readonly string[] {
    return this.list.values;
  }

  /** Without what belongs to the mesh, and what would frame, route or identify if a recipient merged it into the head. Remembered. May be empty. */
  forwardBlock(writer: BlockWriter): Buffer {
    this.#block ??= this.#encode(writer);
    return this.#block;
  }

  #encode(writer: BlockWriter): Buffer {
    const { names, values, sensitive } = this.list;
    writer.begin();
    for (let i = 0; i < names.length; i++) {
      if (passesInTrailers(names[i]!)) writer.field(names[i]!, values[i]!, sensitive?.has(i) ?? false);
    }
    return writer.end();
  }
}

/** What the list says as trailers, or why it says nothing (`rejection.ts`). Remembered with the list. */
export function trailersOf(list: HeaderList, { regular }: Http2Scratch): Http2Trailers | number {
  if (list.meaning instanceof Http2Trailers) return list.meaning;
  const refused = regular.read(list, 0);
  if (refused < 0) return refused;
  const trailers = new Http2Trailers(list, regular.grpcStatus);
  list.meaning = trailers;
  return trailers;
}

/** The block of a trailer section, whichever version it came in. */
export function trailerBlock(trailers: Trailers, writer: BlockWriter): Buffer {
  if (trailers instanceof Http2Trailers) return trailers.forwardBlock(writer);
  return new Http2Trailers(
    new HeaderList([...trailers.names], [...trailers.values], 0),
    trailers.grpcStatus,
  ).forwardBlock(writer);
}
