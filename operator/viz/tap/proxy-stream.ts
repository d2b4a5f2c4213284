import type { TLSSocket } from 'node:tls';
import { checkControlAnswer } from '../../../proxy-image/contract/control/check.ts';
import {
  CONTROL_VERSION,
  type ControlAnswer,
  MAX_CONTROL_ANSWER_BYTES,
} from '../../../proxy-image/contract/control/messages.ts';
import { encodeFrame, FrameReader } from '../../../proxy-image/contract/framing.ts';
import { peerCertificate } from '../../serve/certificate.ts';
import { type ControlAddress, type ControlCredentials, connectToControl } from '../proxies/ask-proxy.ts';

export interface ProxyStreamOwner {
  told(item: unknown): void;
  /** Once: why nothing more comes, as a phrase. Not after `close`. */
  ended(reason: string): void;
}

/** For the connection, the handshake, and the first answer. */
const FIRST_ANSWER_MS = 5_000;

/** One question to the control port of a proxy that is answered bit by bit, until either side ends it. */
export class ProxyStream {
  readonly #owner: ProxyStreamOwner;
  readonly #socket: TLSSocket;
  readonly #frames = new FrameReader(MAX_CONTROL_ANSWER_BYTES);
  readonly #timer: NodeJS.Timeout;
  #over = false;

  constructor(
    address: ControlAddress,
    credentials: ControlCredentials,
    question: { verb: string; about: unknown },
    owner: ProxyStreamOwner,
  ) {
    const { identity } = address;
    this.#owner = owner;
    this.#socket = connectToControl(address, credentials);
    this.#timer = setTimeout(() => this.#end(`no answer within ${FIRST_ANSWER_MS / 1000} s`), FIRST_ANSWER_MS);
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.once('secureConnect', () => {
      const proved = peerCertificate(socket)?.identity;
      if (proved === identity) socket.write(encodeFrame({ type: 'ask', version: CONTROL_VERSION, ...question }));
      else this.#end(`it is ${proved ?? 'nobody'}, and not ${identity}`);
    });
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.once('error', (error) => this.#end(error.message));
    socket.once('close', () => this.#end('the connection has ended'));
  }

  close(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      for (const message of this.#frames.push(chunk)) {
        if (!this.#over) this.#take(message);
      }
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  #take(message: unknown): void {
    const checked = checkControlAnswer(message);
    clearTimeout(this.#timer);
    if ('problem' in checked) this.#end(checked.problem);
    else if (checked.answer.type === 'tell') this.#owner.told(checked.answer.item);
    else this.#end(reasonOf(checked.answer));
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.close();
    this.#owner.ended(reason);
  }
}

/** What `tap` and its like are refused for, in words. */
const REFUSED: Readonly<Record<string, string>> = {
  disabled: 'it is opted out (viz.linkerd.io/disable-tap), or its proxy is not configured yet',
  unknown_verb: 'its proxy is of a release that cannot be tapped',
  version: 'its proxy is of an older release',
  busy: 'as many as may be listen to it already',
};

function reasonOf(answer: Exclude<ControlAnswer, { type: 'tell' }>): string {
  if (answer.type === 'end') return 'its proxy has no more to tell';
  return REFUSED[answer.reason] ?? ['its proxy refuses', ...answer.problems].join(': ');
}
