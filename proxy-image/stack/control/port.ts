import { CONTROL_ALPN } from '../../contract/control/messages.ts';
import { Clients } from '../../core/overload/clients.ts';
import { NO_HANDLER } from '../../io/transport/no-handler.ts';
import type { Connection, ConnectionHandler } from '../../io/transport/types.ts';
import { ControlArrival } from './arrival.ts';
import type { ControlHost, ControlPort } from './host/host.ts';

/** Connections at a time, of the descriptors that are kept for what is no client's (`io/descriptors.ts`): replicas of the operator, each with a few who ask. */
export const MAX_CONTROL_CONNECTIONS = 16;

export function createControlPort(host: ControlHost): ControlPort {
  return new TlsControlPort(host);
}

class TlsControlPort implements ControlPort {
  readonly startsTls = true;
  readonly #host: ControlHost;
  readonly #clients: Clients<ControlArrival>;

  constructor(host: ControlHost) {
    this.#host = host;
    this.#clients = new Clients(MAX_CONTROL_CONNECTIONS, host.context.options.rng);
  }

  accept(connection: Connection): ConnectionHandler {
    const { options, refusals } = this.#host.context;
    const context = options.tlsContext();
    const refusal = context === null ? 'own_certificate_missing' : this.#clients.admits() ? null : 'connection_limit';
    if (context === null || refusal !== null) {
      refusals.inbound(refusal!, connection.remote.ip, 'control port');
      connection.reset();
      return NO_HANDLER;
    }
    const arrival = new ControlArrival(this.#host, this.#clients, connection);
    connection.handler = arrival;
    connection.startTls({ role: 'server', context, alpn: [CONTROL_ALPN], requestClientCertificate: true });
    return arrival;
  }

  stop(): void {
    for (const client of this.#clients.all()) client.abort();
  }
}
