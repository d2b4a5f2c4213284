import type { ProxyMessage } from '../../../contract/messages.ts';

/** The configuration stream, as far as reports go. */
export interface ReportStream {
  /** False once it has ended: what is sent then is lost. */
  readonly isOpen: boolean;
  send(message: ProxyMessage): void;
}
