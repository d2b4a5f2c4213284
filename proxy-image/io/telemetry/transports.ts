import type { Column } from './column.ts';
import { type Labels, renderLabels } from './labels.ts';
import type { TransportLabels } from './recorder.ts';
import { SeriesTable } from './series-table.ts';

/** `errno` values that are kept apart; any other text is `OTHER`, since it may come from anywhere. */
export const ERRNOS: readonly string[] = [
  '',
  'ECONNRESET',
  'ETIMEDOUT',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'EPROTO',
  'EIO',
  'OTHER',
];

/** What the `tcp_*` families say (`transport-families.ts`). A series with open connections is never evicted, so a handle stays good until `closed`. */
export class Transports {
  readonly table: SeriesTable;
  readonly #opened: Column;
  readonly #open: Column;
  readonly #read: Column;
  readonly #written: Column;
  /** Per series a count for each errno. */
  readonly #closed: Column;

  constructor(capacity: number) {
    this.table = new SeriesTable(capacity);
    this.#opened = this.table.counts();
    this.#open = this.table.counts();
    this.#read = this.table.counts();
    this.#written = this.table.counts();
    this.#closed = this.table.counts(ERRNOS.length);
  }

  /** By series; of `closed` a count for each of ERRNOS. */
  get counted(): Readonly<Record<'opened' | 'open' | 'readBytes' | 'writtenBytes' | 'closed', Column>> {
    const closed = this.#closed;
    return { opened: this.#opened, open: this.#open, readBytes: this.#read, writtenBytes: this.#written, closed };
  }

  opened(labels: TransportLabels): number {
    const handle = this.table.resolve(renderLabels(transportLabels(labels)));
    this.#opened.values[handle]!++;
    this.#open.values[handle]!++;
    return handle;
  }

  read(handle: number, bytes: number): void {
    this.#read.values[handle]! += bytes;
  }

  written(handle: number, bytes: number): void {
    this.#written.values[handle]! += bytes;
  }

  closed(handle: number, errno: string): void {
    const known = ERRNOS.indexOf(errno);
    this.#open.values[handle]!--;
    this.#closed.values[handle * ERRNOS.length + (known === -1 ? ERRNOS.length - 1 : known)]!++;
    this.table.used(handle);
  }

  evict(before: number): void {
    const evicted = this.table.evict(before, (index) => this.#open.values[index]! > 0);
    for (const index of evicted) {
      for (const counts of [this.#opened, this.#open, this.#read, this.#written]) counts.values[index] = 0;
      this.#closed.values.fill(0, index * ERRNOS.length, (index + 1) * ERRNOS.length);
    }
  }
}

function transportLabels(of: TransportLabels): Labels {
  const identityLabel = of.peer === 'src' ? 'client_id' : 'server_id';
  const labels: [string, string][] = [
    ['direction', of.direction],
    ['peer', of.peer],
    ...addressLabels(of.targetAddr),
    ['tls', of.tls],
  ];
  if (of.noTlsReason !== '') labels.push(['no_tls_reason', of.noTlsReason]);
  if (of.identity !== '') labels.push([identityLabel, of.identity]);
  if (of.authority !== '') labels.push(['authority', of.authority]);
  for (const [name, value] of Object.entries(of.dst)) labels.push([`dst_${name}`, value]);
  return labels;
}

/** `target_addr`, `target_ip`, `target_port` of `address:port` as `formatAddress` writes it. */
export function addressLabels(address: string): [string, string][] {
  const colon = address.lastIndexOf(':');
  return [
    ['target_addr', address],
    ['target_ip', address.slice(0, colon).replace(/^\[|\]$/g, '')],
    ['target_port', address.slice(colon + 1)],
  ];
}
