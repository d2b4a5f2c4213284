import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WeftError } from '../../../contract/errors.ts';
import { resolveHost } from '../../control/resolve.ts';
import type { TlsContext, Transport } from '../../transport/types.ts';
import type { ApiServer } from '../api-server.ts';
import { ApiCall, type ApiCallEvents } from './call.ts';

/** Asks the API server. One connection per request: a proxy makes a handful of long ones. */
export class ApiClient {
  readonly #transport: Transport;
  readonly #server: ApiServer;
  #ca = '';
  #context: TlsContext | null = null;

  constructor(transport: Transport, server: ApiServer) {
    this.#transport = transport;
    this.#server = server;
  }

  /**
   * GETs `path`; chunks of a 2xx body go to `events` within the read event. Resolves when the body is complete. Rejects with `ApiError` for other
   * statuses, with a WeftError when the server cannot be reached, verified or understood, is silent for `silenceMs`, or when `signal` aborts.
   */
  async get(path: string, events: ApiCallEvents, silenceMs: number, signal: AbortSignal): Promise<void> {
    const token = this.#read('token');
    const context = this.#tlsContext();
    const [ip] = await resolveHost(this.#server.host);
    const { serverName, port } = this.#server;
    const call = new ApiCall(this.#transport, { path, token, serverName, silenceMs }, events);
    return call.run({ ip: ip!, port }, context, signal);
  }

  #tlsContext(): TlsContext {
    const ca = this.#read('ca.crt');
    if (this.#context === null || ca !== this.#ca) {
      this.#context = this.#transport.tlsContext({ keyPem: '', certificatePem: '', anchorsPem: ca });
      this.#ca = ca;
    }
    return this.#context;
  }

  #read(name: string): string {
    const path = join(this.#server.accountDir, name);
    try {
      return readFileSync(path, 'utf8').trim();
    } catch (error) {
      throw new WeftError('WEFT_DIRECT_ACCOUNT', error instanceof Error ? error.message : path, error);
    }
  }
}
