import type { Connection } from '../transport/types.ts';
import type { Http2Context } from './limits.ts';
import type { Http2Server, Http2ServerOwner } from './types.ts';
export class Http2ServerConnection implements Http2Server {
  readonly connection: Connection;
  idle = true;
  constructor(connection: Connection, _o: Http2ServerOwner, _c: Http2Context) {
    this.connection = connection;
  }
  drain(): void {}
  closeIdle(): void {}
  abort(): void {}
  onData(): void {}
}
