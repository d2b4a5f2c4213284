import { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { TRANSPORT_ALPN } from '../../proxy-image/contract/names.ts';
import { CliError } from '../errors.ts';

/** More than any chain of the mesh has: leaf, issuer, anchor. */
const MAX_CHAIN = 10;

/**
 * The certificates that a proxy shows to whom connects to its port of the mesh: its own, and what vouches for it. Nothing is proved to it, so that it ends the
 * connection afterwards.
 * @throws CliError WEFT_CLI_POD
 */
export async function presentedBy(connection: Duplex, identity: string, timeoutMs: number): Promise<X509Certificate[]> {
  if (connection.errored) throw connection.errored;
  const socket = connect({
    socket: connection,
    servername: identity,
    ALPNProtocols: [TRANSPORT_ALPN],
    minVersion: 'TLSv1.3',
    // It is looked at, whatever it is.
    rejectUnauthorized: false,
  });
  try {
    await handshake(socket, timeoutMs);
    const chain = chainOf(socket.getPeerCertificate(true));
    if (chain.length === 0) throw new Error('it has shown no certificate');
    return chain;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError('WEFT_CLI_POD', error instanceof Error ? error.message : String(error), error);
  } finally {
    socket.on('error', () => {});
    socket.destroy();
    connection.destroy();
  }
}

function handshake(socket: TLSSocket, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no handshake within ${timeoutMs / 1000} s`)), timeoutMs);
    const settle = (act: () => void) => {
      clearTimeout(timer);
      act();
    };
    socket.once('secureConnect', () => settle(resolve));
    socket.once('error', (error) => settle(() => reject(error)));
    socket.once('close', () => settle(() => reject(new Error('the connection has ended before its handshake'))));
  });
}

function chainOf(leaf: PeerCertificate & { issuerCertificate?: PeerCertificate }): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: typeof leaf | undefined = leaf;
  while (next?.raw !== undefined && chain.length < MAX_CHAIN) {
    const certificate = new X509Certificate(next.raw);
    // The issuer of a certificate that vouches for itself is that certificate.
    if (certificate.fingerprint256 === chain.at(-1)?.fingerprint256) break;
    chain.push(certificate);
    next = next.issuerCertificate;
  }
  return chain;
}
