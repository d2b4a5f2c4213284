import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import type { Program } from '../host/programs.ts';
import type { Site } from '../host/site.ts';
import type { CalledRoutes } from './called-routes.ts';

/**
 * Where proxies stand: `outbound` = only with the client, cleartext to a backend outside the mesh; `inbound` = only with the server,
 * cleartext from a client outside the mesh; `pair` = both, mutual TLS between them.
 */
export type Shape = 'outbound' | 'inbound' | 'pair';

/** What is called, and so what the proxies are told to carry; `bytes` = whatever it is, as TCP. */
export type Carried = 'http1' | 'http2' | 'bytes';

export interface DeployOptions {
  shape: Shape;
  /** Without it: HTTP/1.1. The others are only deployed as `outbound`. */
  carried?: Carried;
  /** Routes of the service that is called. Without it: few. */
  calledRoutes?: CalledRoutes;
  /** Folders of cgroups for the two sides. */
  cgroups?: { client: string; server: string };
  /** Routes on other services than the one called, ten on each. */
  otherRoutes?: number;
}

/** The proxies of one contender, ready. */
export interface Deployment {
  readonly client: Program | null;
  readonly server: Program | null;
  /** What the load calls. */
  readonly url: string;
  /** The load must not be redirected: it stands for a client outside the mesh. */
  readonly asProxyUser: boolean;
  /** After the load. @throws when it was not served the way that the row is about: routed, counted, authorized, encrypted */
  verify(): Promise<void>;
  stop(): Promise<void>;
}

export interface Deployer {
  /** A contender, or a variant of one that only one row has. */
  readonly name: string;
  deploy(site: Site, options: DeployOptions): Promise<Deployment>;
}

/** One line of /proc/net/tcp: addresses and state in hexadecimal. */
interface KernelSocket {
  local: string;
  remote: string;
  state: string;
}

const LISTEN = '0A';
const ESTABLISHED = '01';

/** A program listens on the port, in whatever network namespace it is. */
export function listens(pid: number, port: number): boolean {
  return socketsOn(pid, port).some(({ state }) => state === LISTEN);
}

/** Connections to a local address in the network namespace of the program. While they come and go, the kernel may list one twice. */
export function connectionsTo(pid: number, ip: string, port: number): number {
  const bytes = ip.split('.').map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, '0'));
  // The kernel writes the four bytes as one number of this machine, and so also the last four of an IPv4-mapped IPv6 address.
  const address = `${(endianness() === 'LE' ? bytes.toReversed() : bytes).join('')}:`;
  const established = socketsOn(pid, port).filter(
    ({ local, state }) => state === ESTABLISHED && local.includes(address),
  );
  return new Set(established.map(({ remote }) => remote)).size;
}

function socketsOn(pid: number, port: number): KernelSocket[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6']
    .flatMap((family) => readSockets(`/proc/${pid}/net/${family}`))
    .filter(({ local }) => local.endsWith(suffix));
}

function readSockets(path: string): KernelSocket[] {
  try {
    const lines = readFileSync(path, 'utf8').trim().split('\n').slice(1);
    return lines.map((line) => {
      const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/);
      return { local, remote, state };
    });
  } catch {
    return [];
  }
}
