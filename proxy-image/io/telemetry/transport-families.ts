import type { Column } from './column.ts';
import { joinLabels } from './labels.ts';
import { OVERFLOW } from './series-table.ts';
import type { TextWriter } from './text-writer.ts';
import { ERRNOS, type Transports } from './transports.ts';

/** The `tcp_*` families (linkerd2-proxy: transport metrics). */
export function writeTransports(writer: TextWriter, { table, counted }: Transports): void {
  const series: { at: number; labels: string }[] = [];
  for (let at = OVERFLOW; at < table.end; at++) {
    const labels = table.text(at);
    if (labels !== null && counted.opened.values[at]! > 0) series.push({ at, labels });
  }
  const family = (name: string, type: 'counter' | 'gauge', help: string, { values }: Column): void => {
    writer.family(name, type, help);
    for (const { at, labels } of series) writer.sample(name, labels, values[at]!);
  };
  family('tcp_open_total', 'counter', 'Connections opened', counted.opened);
  family('tcp_open_connections', 'gauge', 'Connections open now', counted.open);
  family('tcp_read_bytes_total', 'counter', 'Bytes read from peers', counted.readBytes);
  family('tcp_write_bytes_total', 'counter', 'Bytes written to peers', counted.writtenBytes);
  const name = writer.counter('tcp_close_total', 'Connections closed, by errno where they did not end in order');
  for (const { at, labels } of series) {
    for (const [index, errno] of ERRNOS.entries()) {
      const count = counted.closed.values[at * ERRNOS.length + index]!;
      if (count > 0) writer.sample(name, joinLabels(labels, `errno="${errno}"`), count);
    }
  }
}
