import { TRANSPORT_ALPN } from '../../../proxy-image/contract/names.ts';
import { encodeTransportHeader, type TransportHeader } from '../../../proxy-image/io/tls/transport-header.ts';
import type { TlsCredentials } from '../../../proxy-image/io/transport/types.ts';
import { createLeaf, type TestCertificate } from '../../support/certificates.ts';
import { Recorder, until } from '../transport/recorder.ts';
import { identityName, type TestMesh, type TestProxy } from './mesh.ts';

export function credentialsOf(mesh: TestMesh, leaf: TestCertificate): TlsCredentials {
  return { keyPem: leaf.keyPem, certificatePem: leaf.chainPem, anchorsPem: mesh.authority.anchorsPem };
}

/** Of a proxy that nobody has a reason to refuse. */
export function goodCredentials(mesh: TestMesh): TlsCredentials {
  return credentialsOf(mesh, createLeaf(mesh.authority, identityName('client')));
}

/** Speaks to a mesh port by hand: TLS with these credentials, then what a test says. */
export function meshClient(
  mesh: TestMesh,
  to: TestProxy,
  credentials: TlsCredentials,
  alpn: string[] = [TRANSPORT_ALPN],
  serverName: string = identityName('server'),
): Recorder {
  const recorder = new Recorder();
  const context = mesh.transport.tlsContext(credentials);
  recorder.react = {
    onConnect: (connection) => connection.startTls({ role: 'client', context, alpn, serverName }),
  };
  recorder.connection = mesh.transport.connect(to.inbound, recorder);
  mesh.onStop(() => recorder.connection?.reset());
  return recorder;
}

/** A transport header and what follows it, once there is TLS. */
export async function say(recorder: Recorder, header: Partial<TransportHeader>, text: string): Promise<void> {
  await until(() => recorder.events.includes('secure'), 'handshake');
  const prelude = encodeTransportHeader({ port: 80, name: '', session: 'http1', ...header });
  const bytes = Buffer.concat([prelude, Buffer.from(text, 'latin1')]);
  recorder.connection!.write(bytes, 0, bytes.length);
}

export function left(recorder: Recorder): boolean {
  return recorder.events.includes('end') || recorder.events.includes('close');
}
