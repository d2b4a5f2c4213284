export const WRITE_BYTES = 256 * 1024;

export interface TcpAnswer {
  /** As the receiver counted them. */
  bytes: number;
  /** From the first write until the receiver has confirmed all. */
  elapsedMs: number;
}
