/**
 * node test/bench/viz/simulate.ts PROXIES SERIES WORKLOADS ROUNDS: writes reports to standard output, as fast as they are read. In each round of ten seconds every
 * proxy reports once, those in between in the order in which a tenth of them would report each second. Before each frame goes the number of its proxy.
 */
import { REPORT_MS, SLICES } from './rounds.ts';
import { SimulatedProxy } from './simulated-proxy.ts';

const [proxyCount = 0, series = 0, workloads = 0, rounds = 0] = process.argv.slice(2).map(Number);
const proxies = Array.from({ length: proxyCount }, (_, at) => new SimulatedProxy(at, { series, workloads }));

function numbered(at: number): Uint8Array[] {
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, at);
  return [number, proxies[at]!.report(REPORT_MS)];
}

for (let round = 0; round < rounds; round++) {
  for (let slice = 0; slice < SLICES; slice++) {
    const frames: Uint8Array[] = [];
    for (let at = slice; at < proxyCount; at += SLICES) frames.push(...numbered(at));
    // Writing to a pipe waits for its reader.
    process.stdout.write(Buffer.concat(frames));
  }
}
