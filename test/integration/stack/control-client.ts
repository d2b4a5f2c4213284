import { CONTROL_ALPN, MAX_CONTROL_ANSWER_BYTES } from '../../../proxy-image/contract/control/messages.ts';
import { encodeFrame, FrameReader } from '../../../proxy-image/contract/framing.ts';
import type { TlsCredentials } from '../../../proxy-image/io/transport/types.ts';
import { createLeaf } from '../../support/certificates.ts';
import { Recorder, until } from '../transport/recorder.ts';
import { CONTROL_IDENTITY, identityName, type TestMesh, type TestProxy } from './mesh.ts';
import { credentialsOf, left } from './mesh-client.ts';

/** What the operator would show. */
export function controlCredentials(mesh: TestMesh): TlsCredentials {
  return credentialsOf(mesh, createLeaf(mesh.authority, CONTROL_IDENTITY));
}

/** Somebody who has connected to the control port, with these credentials. */
export class ControlClient {
  readonly recorder: Recorder = new Recorder();
  /** All that has come, parsed. */
  readonly answers: Readonly<Record<string, unknown>>[] = [];
  readonly #frames = new FrameReader(MAX_CONTROL_ANSWER_BYTES);

  constructor(mesh: TestMesh, to: TestProxy, credentials: TlsCredentials, alpn: string[] = [CONTROL_ALPN]) {
    const { transport } = mesh;
    const context = transport.tlsContext(credentials);
    this.recorder.react = {
      onConnect: (connection) =>
        connection.startTls({ role: 'client', context, alpn, serverName: identityName('server') }),
      onData: (_, chunk) => {
        for (const answer of this.#frames.push(chunk)) this.answers.push(answer as Readonly<Record<string, unknown>>);
      },
      onEnd: (connection) => connection.close(),
    };
    this.recorder.connection = transport.connect(to.control, this.recorder);
    mesh.onStop(() => this.recorder.connection?.reset());
  }

  get hasLeft(): boolean {
    return left(this.recorder);
  }

  async secure(): Promise<this> {
    await until(() => this.recorder.events.includes('secure'), 'the handshake');
    return this;
  }

  send(message: unknown): void {
    this.write(encodeFrame(message));
  }

  write(bytes: Uint8Array): void {
    this.recorder.connection!.write(bytes, 0, bytes.length);
  }

  /** Asks, as the control plane does. */
  async ask(verb: string, about: unknown, version = 1): Promise<this> {
    await this.secure();
    this.send({ type: 'ask', version, verb, about });
    return this;
  }

  /** Answers, once there are so many. */
  async told(count: number): Promise<readonly Readonly<Record<string, unknown>>[]> {
    await until(() => this.answers.length >= count, `${count} answers`);
    return this.answers;
  }

  async gone(): Promise<void> {
    await until(() => this.hasLeft, 'the end of the connection');
  }
}
