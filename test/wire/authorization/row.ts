import type { Client, Target } from '../world.ts';

export type Protocol = 'http' | 'grpc' | 'tcp';

/** What becomes of a request or stream: `403` of HTTP, PERMISSION_DENIED of gRPC, a connection that is closed. */
export type Outcome = 'allowed' | 'denied' | 'no route' | 'limited';

export interface Asked {
  client: Client;
  outcome: Outcome;
  protocol?: Protocol;
  method?: string;
  target?: string;
}

/** Names and addresses that a row may use: every object of it is called `name`, or begins with it. */
export interface Place {
  name: string;
  port: number;
  /** Address of a client's pod, as the server's proxy sees it. */
  ipOf(client: Client): string;
}

export interface AuthorizationRow {
  title: string;
  rule: string;
  /** Whose port is called; `open` where nothing is said. */
  target?: Target;
  /** Of the row's Server, beside its selector and port; null: there is no Server. */
  server: { proxyProtocol?: string; accessPolicy?: string } | null;
  /** The Server names the port by this. */
  namedPort?: boolean;
  objects?: (place: Place) => object[];
  asked: readonly Asked[];
}
