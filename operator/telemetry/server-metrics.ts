import { Counter, type Registry } from 'prom-client';
import type { ServerRefusal } from '../runtime/connection-places.ts';

/** Servers of the operator; the configuration stream counts in `weft_config_refused_total`. */
const SERVERS = ['identity', 'webhooks', 'viz'] as const;
const REASONS: readonly ServerRefusal[] = ['handshake', 'protocol', 'timeout', 'made_room', 'no_room'];

export type ServerName = (typeof SERVERS)[number];

/** Connections that the servers of the operator refuse. Series exist from the start, with value zero. */
export function serverMetrics(registry: Registry) {
  const refused = new Counter({
    name: 'weft_server_refused_connections_total',
    help: 'Connections refused or ended before they had asked for anything, by server and reason.',
    labelNames: ['server', 'reason'],
    registers: [registry],
  });
  for (const server of SERVERS) for (const reason of REASONS) refused.inc({ server, reason }, 0);
  return { refused: (server: ServerName, reason: ServerRefusal) => refused.inc({ server, reason }) };
}
