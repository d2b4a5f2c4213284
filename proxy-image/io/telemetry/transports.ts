import type { Column } from './column.ts';
import { joinLabels, type Labels, renderLabels } from './labels.ts';
import type { TransportLabels } from './recorder.ts';
import { OVERFLOW, SeriesTable } from './series-table.ts';
import type { TextWriter } from './text-writer.ts';

/** `errno` values that are kept apart; any other text is `OTHER`, since it may come from anywhere. */
const ERRNOS = ['', 'ECONNRESET', 'ETIMEDOUT', 'ECONNREFUSED', 'EHOSTUNREACH', 'EPROTO', 'EIO', 'OTHER'];

/** The `tcp_*` families. A series with open connections is never evicted, so a handle stays good until `closed`. */
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

  /** By series. */
  get counted(): Readonly<Record<'opened' | 'open' | 'readBytes' | 'writtenBytes', Column>> {
    return { opened: this.#opened, open: this.#open, readBytes: this.#read, writtenBytes: this.#written };
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

  write(writer: TextWriter): void {
    this.#family(writer, 'tcp_open_total', 'counter', 'Connections opened', this.#opened);
    this.#family(writer, 'tcp_open_connections', 'gauge', 'Connections open now', this.#open);
    this.#family(writer, 'tcp_read_bytes_total', 'counter', 'Bytes read from peers', this.#read);
    this.#family(writer, 'tcp_write_bytes_total', 'counter', 'Bytes written to peers', this.#written);
    const closed = 'Connections closed, by errno where they did not end in order';
    const name = writer.counter('tcp_close_total', closed);
    for (const { series, labels } of this.#series()) {
      ERRNOS.forEach((errno, index) => {
        const count = this.#closed.values[series * ERRNOS.length + index]!;
        if (count > 0) writer.sample(name, joinLabels(labels, `errno="${errno}"`), count);
      });
    }
  }

  #family(writer: TextWriter, name: string, type: 'counter' | 'gauge', help: string, { values }: Column): void {
    writer.family(name, type, help);
    for (const { series, labels } of this.#series()) writer.sample(name, labels, values[series]!);
  }

  *#series(): Generator<{ series: number; labels: string }> {
    for (let series = OVERFLOW; series < this.table.end; series++) {
      const labels = this.table.text(series);
      if (labels !== null && this.#opened.values[series]! > 0) yield { series, labels };
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
