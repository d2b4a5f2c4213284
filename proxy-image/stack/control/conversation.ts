import { checkControlQuestion } from '../../contract/control/check.ts';
import {
  CONTROL_VERSION,
  type ControlAnswer,
  type ControlQuestion,
  type ControlRefusal,
} from '../../contract/control/messages.ts';
import { encodeFrame, frameHeader } from '../../contract/framing.ts';
import { Outbox } from '../../io/tcp/outbox.ts';
import type { Connection, ConnectionHandler } from '../../io/transport/types.ts';
import type { ControlAnswers, ControlTask } from './host/answers.ts';
import type { ControlHost } from './host/host.ts';
import { CONTROL_VERBS } from './verbs.ts';

/** One question of the control plane, and all that is answered. */
export class Conversation implements ConnectionHandler, ControlAnswers {
  readonly #host: ControlHost;
  readonly #outbox: Outbox;
  readonly #left: () => void;
  #task: ControlTask | null = null;
  #over = false;

  /** Takes over `connection`. `left`: called once, when it is gone. */
  constructor(host: ControlHost, connection: Connection, left: () => void) {
    this.#host = host;
    this.#outbox = new Outbox(connection);
    this.#left = left;
    connection.handler = this;
  }

  begin(value: unknown): void {
    const checked = checkControlQuestion(value);
    if ('problem' in checked) this.refuse('malformed', [checked.problem]);
    else if (checked.question.version > CONTROL_VERSION) this.refuse('version', [`${CONTROL_VERSION} is the newest`]);
    else this.#answer(checked.question);
  }

  #answer({ verb, about }: ControlQuestion): void {
    const answer = Object.hasOwn(CONTROL_VERBS, verb) ? CONTROL_VERBS[verb] : undefined;
    if (answer === undefined) this.refuse('unknown_verb');
    else this.#task = answer(this.#host, about, this);
  }

  get pendingBytes(): number {
    return this.#outbox.pendingBytes;
  }

  tell(item: object): void {
    this.#send({ type: 'tell', item });
  }

  tellTexts(items: readonly string[]): void {
    if (this.#over) return;
    const frames = Buffer.concat(items.map((item) => encodeText(`{"type":"tell","item":${item}}`)));
    this.#outbox.write(frames, 0, frames.length);
  }

  abort(): void {
    this.#over = true;
    this.#outbox.connection.reset();
  }

  end(): void {
    this.#send({ type: 'end' });
    this.#finish();
  }

  refuse(reason: ControlRefusal, problems: string[] = []): void {
    this.#send({ type: 'refused', reason, problems });
    this.#finish();
  }

  #send(answer: ControlAnswer): void {
    if (this.#over) return;
    const frame = encodeFrame(answer);
    this.#outbox.write(frame, 0, frame.length);
  }

  /** The connection goes when all of it has been taken. */
  #finish(): void {
    this.#over = true;
    if (this.#outbox.pendingBytes === 0) this.#outbox.connection.close();
  }

  onDrain(connection: Connection): void {
    if (!this.#outbox.drain()) return;
    if (this.#over) connection.close();
    else this.#task?.drained();
  }

  /** Whoever says more than his question has no more to say to us. */
  onData(): void {
    this.abort();
  }

  onConnect(): void {}
  onSecure(): void {}

  onEnd(connection: Connection): void {
    this.#over = true;
    connection.close();
  }

  onClose(): void {
    this.#over = true;
    const task = this.#task;
    this.#task = null;
    task?.closed();
    this.#left();
  }
}

function encodeText(json: string): Buffer {
  const payload = Buffer.from(json, 'utf8');
  return Buffer.concat([frameHeader(payload.length), payload]);
}
