import type { TapLine } from '../../../crds/viz/tap.ts';

/** Octets of lines that wait for whoever asked: a second of a busy tap. What is older goes when there are more. */
export const MAX_WAITING_BYTES = 1024 * 1024;

/** What is still to be sent to one who taps. Nobody waits for him: the oldest events are dropped, and he is told how many. */
export class TapLines implements AsyncIterable<Uint8Array> {
  readonly #maxBytes: number;
  readonly #released: () => void;
  #lines: { text: string; isEvent: boolean }[] = [];
  #bytes = 0;
  #missed = 0;
  #ended = false;
  #wake: (() => void) | null = null;

  /** `released`: whoever asked takes no more. */
  constructor(released: () => void, maxBytes: number = MAX_WAITING_BYTES) {
    this.#released = released;
    this.#maxBytes = maxBytes;
  }

  push(line: TapLine): void {
    if (this.#ended) return;
    const text = `${JSON.stringify(line)}\n`;
    this.#lines.push({ text, isEvent: line.type === 'event' });
    this.#bytes += text.length;
    while (this.#bytes > this.#maxBytes && this.#lines.length > 1) this.#drop();
    this.#wake?.();
  }

  /** The oldest event; without any, the oldest line. */
  #drop(): void {
    const at = Math.max(
      0,
      this.#lines.findIndex(({ isEvent }) => isEvent),
    );
    const [dropped] = this.#lines.splice(at, 1);
    this.#bytes -= dropped!.text.length;
    if (dropped!.isEvent) this.#missed += 1;
  }

  /** What waits is still sent. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        if (this.#lines.length > 0) yield this.#take();
        else if (this.#ended) return;
        else await this.#more();
      }
    } finally {
      this.#ended = true;
      this.#released();
    }
  }

  #take(): Uint8Array {
    const missed: TapLine = { type: 'missed', events: this.#missed, pod: '' };
    const before = this.#missed === 0 ? '' : `${JSON.stringify(missed)}\n`;
    const text = before + this.#lines.map((line) => line.text).join('');
    this.#lines = [];
    this.#bytes = 0;
    this.#missed = 0;
    return Buffer.from(text, 'utf8');
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }
}
