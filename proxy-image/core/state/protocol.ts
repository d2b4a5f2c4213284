import type { OutboundProtocol } from '../../contract/resources.ts';
import type { PodEntry, ServiceEntry, UnknownEntry } from './entries.ts';

/**
 * What is spoken at a destination, as far as that is known before the client has said anything; `detect` where it is not. What is declared for the
 * Service (`appProtocol`, its opaque ports, its profile's) counts; where that says nothing, what is declared for its endpoints (their pods' opaque ports,
 * their Servers), if all of them agree. While they do not, the client is listened to: of the two mistakes, waiting ends with the roll-out, but a client of
 * HTTP that was taken for opaque keeps to one endpoint, without routes and retries, for as long as its connection lasts.
 */
export function protocolOf(entry: ServiceEntry | PodEntry | UnknownEntry): OutboundProtocol {
  if (entry.kind !== 'service' || entry.protocol !== 'detect') return entry.protocol;
  let agreed: OutboundProtocol | null = null;
  for (const { pool, unavailable, weight } of entry.backends) {
    if (unavailable || weight === 0 || pool.protocol === null) continue;
    if (agreed !== null && agreed !== pool.protocol) return 'detect';
    agreed = pool.protocol;
  }
  return agreed ?? 'detect';
}
