import { createRequire } from 'node:module';
import { HEAD_BYTES } from '../../contract/head-bytes.ts';
import type { HeaderChanges } from '../../contract/policy/filter.ts';
import type { Bridge, Unframer } from '../../http/bridge.ts';
import type { ResponseMessage, Trailers } from '../../http/message.ts';
import type { PreparedHead } from '../../http/prepared-head.ts';
import { ChunkedBody } from '../http1/chunked.ts';
import { EitherHead, type Translating } from './either-head.ts';
import type { Translation } from './translate.ts';

/** Between the versions of HTTP. What translates is loaded by whoever needs it first, for the same reason as HTTP/2 (`io/pool/http2-engine.ts`). */
export class HttpBridge implements Bridge, Translating {
  #translation: Translation | null = null;

  get translation(): Translation {
    this.#translation ??= load();
    return this.#translation;
  }

  preparedHead(): PreparedHead {
    return new EitherHead(this);
  }

  responseText(response: ResponseMessage, framing: string): string {
    return this.translation.responseTextOf(response, framing);
  }

  responseBlock(response: ResponseMessage): Buffer {
    return this.translation.responseBlockOf(response);
  }

  editedResponse(response: ResponseMessage, changes: readonly HeaderChanges[]): ResponseMessage {
    return this.translation.editedResponse(response, changes);
  }

  trailersOf(section: Buffer): Trailers | null {
    return this.translation.trailersOfSection(section);
  }

  unframer(): Unframer {
    const body = new ChunkedBody(HEAD_BYTES.most);
    body.begin(true);
    return body;
  }
}

function load(): Translation {
  const loaded: typeof import('./translate.ts') =
    typeof require === 'function' ? require('./translate.ts') : createRequire(import.meta.url)('./translate.ts');
  return new loaded.Translation();
}
