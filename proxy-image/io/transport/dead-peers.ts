/** linux/tcp.h, asm-generic/socket.h */
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const SOL_TCP = 6;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const TCP_USER_TIMEOUT = 18;

/** A peer that has said nothing for 2 s is asked by the kernel, once a second, and is gone after four questions: 6 s. No proxy wakes for it. */
const KEEP_ALIVE = [
  [SOL_SOCKET, SO_KEEPALIVE, 1],
  [SOL_TCP, TCP_KEEPIDLE, 2],
  [SOL_TCP, TCP_KEEPINTVL, 1],
  [SOL_TCP, TCP_KEEPCNT, 4],
] as const;

/** `tcpi_retransmits` of struct tcp_info: how often in a row what was sent has been sent again. */
const RETRANSMITS_AT = 2;
/** The first comes after 0.2 s or more, each takes twice as long as the one before: 3 s. */
const RETRANSMITS = 4;
const UNACKNOWLEDGED_MS = 3000;

export interface SocketOptions {
  /** `getsockopt(2)`: fills `value` and returns true, or false where the kernel has no answer. */
  get(fd: number, level: number, option: number, value: Uint8Array): boolean;
  /** `setsockopt(2)` of a number. */
  set(fd: number, level: number, option: number, value: number): boolean;
}

/**
 * Machines that are gone without a word: switched off, or cut off. The kernel asks for a sign of life only while it has nothing to send; what it has sent it sends
 * again for a quarter of an hour (tcp(7), `tcp_retries2`). TCP_USER_TIMEOUT would end that sooner, but it would also end a connection whose peer lives and takes
 * nothing for so long, as slow readers do.
 */
export class DeadPeers {
  readonly #options: SocketOptions;
  readonly #info = new Uint8Array(RETRANSMITS_AT + 1);

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** The peer of this socket is asked for signs of life from now on. */
  watch(fd: number): void {
    for (const [level, option, value] of KEEP_ALIVE) this.#options.set(fd, level, option, value);
  }

  /** The kernel ends it after three seconds without an acknowledgement, of what was sent or of its own questions. */
  giveUpEarly(fd: number): void {
    this.#options.set(fd, SOL_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS);
  }

  /** What was sent has not been acknowledged for three seconds. */
  isSilent(fd: number): boolean {
    return (
      fd >= 0 && this.#options.get(fd, SOL_TCP, TCP_INFO, this.#info) && this.#info[RETRANSMITS_AT]! >= RETRANSMITS
    );
  }
}
