import type { OutboundProtocol } from '../../contract/policy/protocol.ts';
import type { NameResolver, Resolver } from '../../core/resolve/resolver.ts';
import type { HttpProtocol } from '../../core/state/protocol.ts';
import type { Address, OriginalDestination } from '../../io/transport/types.ts';

interface Place {
  /** For logs. Several listeners may have one name. */
  readonly name: string;
  readonly bind: readonly Address[];
  /** The port is the proxy's own: to be reached through the proxy it would be a loop, or a way around its guards. */
  readonly isOwnPort: boolean;
}

/**
 * Somewhere that the proxy listens, and what it takes connections there for.
 *
 * - `transparent`: traffic of the application, redirected: `identifier` says where each connection wanted to go, `resolver` what is there. `protocol`: what
 *   clients of this listener speak; `detect` = what is declared for the destination.
 * - `named`: traffic of the application that is sent to the listener itself: each request names what it is for, and `resolver` says what that is. `protocol`:
 *   `detect` = whichever version of HTTP.
 * - `inbound-plain`: traffic to the application, redirected: `identifier` says to which port.
 * - `inbound-mesh`: other proxies, by mutual TLS; their transport header says to which port.
 * - `control`: the control plane asks something, by mutual TLS (`stack/control`).
 * - `admin`: probes, metrics, control verbs.
 */
export type Listener =
  | (Place & {
      readonly kind: 'transparent';
      readonly protocol: OutboundProtocol;
      readonly identifier: OriginalDestination;
      readonly resolver: Resolver;
    })
  | (Place & {
      readonly kind: 'named';
      readonly protocol: HttpProtocol | 'detect';
      readonly resolver: NameResolver;
    })
  | (Place & { readonly kind: 'inbound-plain'; readonly identifier: OriginalDestination })
  | (Place & { readonly kind: 'inbound-mesh' })
  | (Place & { readonly kind: 'control' })
  | (Place & { readonly kind: 'admin' });

/** A listener that is open: `addresses` in the order of its `bind`, with the ports that were chosen where 0 was asked for. */
export interface OpenListener {
  readonly listener: Listener;
  readonly addresses: readonly Address[];
}

/** Where the listeners of a name are. */
export function addressesOf(open: readonly OpenListener[], name: string): Address[] {
  return open.flatMap(({ listener, addresses }) => (listener.name === name ? addresses : []));
}
