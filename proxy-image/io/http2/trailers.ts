import { encodeBlock } from './hpack/encode.ts';
import type { HeaderList } from './hpack/header-list.ts';
export class Http2Trailers {
  readonly list: HeaderList;
  readonly grpcStatus: number = -1;
  constructor(list: HeaderList) {
    this.list = list;
  }
  forwardBlock(): Buffer {
    return encodeBlock(this.list.names, this.list.values, null);
  }
}
export function trailersOf(list: HeaderList): Http2Trailers | number {
  return new Http2Trailers(list);
}
