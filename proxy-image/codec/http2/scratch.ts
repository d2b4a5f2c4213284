import { RegularFields } from './fields.ts';
import { BlockWriter } from './hpack/encode.ts';
import { DecoderScratch } from './hpack/scratch.ts';
import { RequestPseudo } from './pseudo.ts';

/** What connections of HTTP/2 need while they read a head or write a block, within one call: one for many of them. Whoever waits, holds nothing of it. */
export class Http2Scratch {
  readonly decoding: DecoderScratch = new DecoderScratch();
  readonly pseudo: RequestPseudo = new RequestPseudo();
  readonly regular: RegularFields = new RegularFields();
  readonly writer: BlockWriter = new BlockWriter();
}
