import type { TLSSocket } from 'node:tls';
import type { ControlPlaneErrorCode } from '../../proxy-image/contract/control-plane-errors.ts';
import { FrameReader } from '../../proxy-image/contract/framing.ts';
import type { Timer } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import { peerDeadline } from '../runtime/peer-deadline.ts';
import type { ProxyFacts } from '../serve/proxy-facts.ts';
import type { Followers } from '../serve/types.ts';
import { checkLeaderMessage } from './check.ts';
import { type LeaderMessage, MAX_REPLICA_MESSAGE_BYTES, REPLICA_ALPN, SILENT_MS } from './messages.ts';
import type { Mover } from './mover.ts';
import { ReportStream, type ReportStreamOptions } from './report-stream.ts';

export interface ReportingOptions extends ReportStreamOptions {
  /** Pod of this replica. */
  replica: string;
  /** Of the control plane, which the leader proves as every replica does. */
  ownIdentity(): string;
  mover: Pick<Mover, 'keep'>;
  /** A leader that was silent for so long is not believed to be there. */
  silentMs?: number;
  refused(code: ControlPlaneErrorCode): void;
  log: Log;
}

/** There is one leader; for moments there are two, and one that has gone without a word is still counted for a while. */
const MAX_LEADERS = 4;
/** For the last message to leave. */
const CLOSE_GRACE_MS = 1_000;

/** The end of a replica that has proxies: whoever leads is told of them, for as long as it listens. */
export class Reporting implements Followers {
  readonly alpn = REPLICA_ALPN;
  readonly #options: ReportingOptions;
  /** The oldest first. */
  readonly #leaders = new Set<Leader>();
  #stopped = false;

  constructor(options: ReportingOptions) {
    this.#options = options;
  }

  accept(socket: TLSSocket, certificate: { identity: string; expiresAtMs: number }, facts: ProxyFacts): void {
    const { ownIdentity, refused, log } = this.#options;
    socket.on('error', () => undefined);
    if (certificate.identity !== ownIdentity() || this.#stopped) {
      if (!this.#stopped) {
        refused('WEFT_REPLICA_IDENTITY');
        log.info('reports were asked for by somebody else', { identity: certificate.identity });
      }
      socket.destroy();
      return;
    }
    const [oldest] = this.#leaders;
    if (this.#leaders.size >= MAX_LEADERS) oldest?.close(false);
    const leader = new Leader(socket, certificate.expiresAtMs, facts, this.#options, () =>
      this.#leaders.delete(leader),
    );
    this.#leaders.add(leader);
  }

  /** More of the cluster has been seen. */
  moved(): void {
    for (const leader of this.#leaders) leader.moved();
  }

  stop(): void {
    this.#stopped = true;
    for (const leader of this.#leaders) leader.close(true);
  }
}

/** One connection of a leader. */
class Leader {
  readonly #socket: TLSSocket;
  readonly #expiresAtMs: number;
  readonly #facts: ProxyFacts;
  readonly #options: ReportingOptions;
  readonly #frames = new FrameReader(MAX_REPLICA_MESSAGE_BYTES);
  #stream: ReportStream | null = null;
  #deadline: Timer;

  constructor(socket: TLSSocket, expiresAtMs: number, facts: ProxyFacts, options: ReportingOptions, gone: () => void) {
    this.#socket = socket;
    this.#expiresAtMs = expiresAtMs;
    this.#facts = facts;
    this.#options = options;
    this.#deadline = this.#wait();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Uint8Array) => this.#read(chunk));
    socket.once('close', () => {
      this.#deadline.cancel();
      this.#stream?.end(false);
      gone();
    });
  }

  moved(): void {
    this.#stream?.moved();
  }

  close(stopping: boolean): void {
    this.#stream?.end(stopping);
    this.#socket.end();
    const cut = this.#options.clock.schedule(CLOSE_GRACE_MS, () => this.#socket.destroy());
    this.#socket.once('close', () => cut.cancel());
  }

  #wait(): Timer {
    const { clock, silentMs = SILENT_MS } = this.#options;
    return peerDeadline(clock, silentMs, () => this.#fail('WEFT_REPLICA_SILENT', ''));
  }

  #read(chunk: Uint8Array): void {
    try {
      for (const value of this.#frames.push(chunk)) this.#take(value);
    } catch (error) {
      this.#fail('WEFT_REPLICA_PROTOCOL', error instanceof Error ? error.message : String(error));
    }
  }

  #take(value: unknown): void {
    const { problem, message } = checkLeaderMessage(value);
    if (problem !== null) this.#fail('WEFT_REPLICA_PROTOCOL', problem);
    else if (this.#options.clock.wallMs() >= this.#expiresAtMs) this.#socket.destroy();
    else if (message !== null) this.#obey(message);
  }

  #obey(message: LeaderMessage): void {
    const { replica, mover, log } = this.#options;
    this.#deadline.cancel();
    this.#deadline = this.#wait();
    if (message.type === 'follow') {
      if (this.#stream !== null) return;
      log.info('reports its proxies', { leader: message.leader });
      this.#stream = new ReportStream(this.#socket, this.#facts, replica, this.#options);
    } else if (message.type === 'elsewhere') {
      for (const [proxy, sinceMs] of message.proxies) this.#facts.connectedElsewhere(proxy, sinceMs);
    } else if (message.type === 'keep') {
      mover.keep(this.#facts, message.proxies);
    }
  }

  #fail(code: ControlPlaneErrorCode, detail: string): void {
    if (this.#socket.destroyed) return;
    const { refused, log } = this.#options;
    refused(code);
    log.info('the leader does not follow any more', { code, detail });
    this.#socket.destroy();
  }
}
