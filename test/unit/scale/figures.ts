import type { WindowFigures } from '../../scale/figures.ts';

const MIB = 1_048_576;
export const spread = (p50: number, p99: number, max: number) => ({ p50, p99, max });

/** In which every bar holds. */
const WINDOW: WindowFigures = {
  proxies: 2_000,
  seconds: 600,
  endpointChanges: 12_000,
  resourceChanges: 1_200,
  failedWrites: 0,
  dropped: {},
  refusedBatches: 0,
  incomplete: 0,
  unseen: 0,
  operators: {
    cores: 0.9,
    coresEach: [0.3, 0.3, 0.3],
    memoryBytes: 1_000 * MIB,
    memoryEach: [],
    residentBytes: 1_100 * MIB,
    heap: { usedBytes: 0, totalBytes: 0, externalBytes: 0 },
  },
  bytesPerEndpointChange: { ...spread(400, 500, 900), mean: 410 },
  bytesPerSecond: 1,
  messagesPerSecond: 1,
  firstMs: spread(1, 9, 60),
  lastMs: spread(10, 100, 240),
  apiServerMs: spread(3, 10, 50),
  machine: {
    apiServerCores: 0.1,
    etcdCores: 0.1,
    proxiesCores: 0.3,
    harnessCores: 0.1,
    othersShare: 0,
    proxiesLagMs: { p99: 5, max: 20 },
    harnessLagMs: { p99: 5, max: 20 },
  },
  own: { writeP99Ms: 10, acknowledgedP99Ms: 50 },
};

export function figuresWith(changes: Partial<WindowFigures>): WindowFigures {
  return { ...WINDOW, ...changes };
}
