import type { Exchange } from '../../../proxy-image/http/exchange.ts';
import type { RequestView, ResponseView } from '../../../proxy-image/http/message.ts';
import type { CallObserver } from '../../../proxy-image/stack/call/observer.ts';

/** Writes down every event of every call: all that it takes to watch a side of the stack. */
export class Diary implements CallObserver<{ readonly exchange: Exchange }, string> {
  readonly lines: string[] = [];

  requestHead(_: unknown, head: RequestView): void {
    this.lines.push(`request head ${head.method} ${head.target}`);
  }

  attemptStart(): void {
    this.lines.push('attempt start');
  }

  responseHead(_: unknown, head: ResponseView): void {
    this.lines.push(`response head ${head.status}`);
  }

  firstByte(): void {
    this.lines.push('first byte');
  }

  attemptEnd(_: unknown, error: string | null): void {
    this.lines.push(`attempt end${error === null ? '' : `: ${error}`}`);
  }

  retryDecided(_: unknown, reason: string): void {
    this.lines.push(`retry: ${reason}`);
  }

  end({ exchange }: { readonly exchange: Exchange }, end: string): void {
    this.lines.push(`end ${end} ${exchange.status}`);
  }
}
