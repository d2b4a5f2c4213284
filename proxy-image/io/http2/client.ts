import type { Connection } from '../transport/types.ts';
import type { Http2Context } from './limits.ts';
import type { Http2Client, Http2ClientOwner, Http2Stream, StreamHandler } from './types.ts';
export class Http2ClientConnection implements Http2Client {
  readonly connection: Connection;
  capacity = 0;
  openStreams = 0;
  constructor(connection: Connection, _p: Buffer | null, _o: Http2ClientOwner, _c: Http2Context) {
    this.connection = connection;
  }
  open(_: StreamHandler): Http2Stream {
    throw new Error('x');
  }
  retire(): void {}
}
