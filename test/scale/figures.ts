import type { Spread } from './distribution.ts';

/** Of a stretch of time in which so many proxies were connected. Milliseconds, bytes; CPU in cores. */
export interface WindowFigures {
  proxies: number;
  seconds: number;
  endpointChanges: number;
  resourceChanges: number;
  failedWrites: number;
  /** Streams that ended, by the reason said. */
  dropped: Record<string, number>;
  refusedBatches: number;
  /** Endpoint changes that did not reach every proxy that holds the endpoints, and resource changes that reached nobody. */
  incomplete: number;
  /** Changes that the bare watch has not delivered, and whose times are not known. */
  unseen: number;
  operators: {
    cores: number;
    coresEach: number[];
    /** All together, by their cgroups; the highest of the readings. */
    memoryBytes: number;
    memoryEach: number[];
    residentBytes: number;
    /** Of V8, all together, at the end: what is in use, what is taken for it, and what lies outside of it. */
    heap: { usedBytes: number; totalBytes: number; externalBytes: number };
  };
  bytesPerEndpointChange: Spread & { mean: number };
  bytesPerSecond: number;
  messagesPerSecond: number;
  /** From the event of the bare watch. */
  firstMs: Spread;
  lastMs: Spread;
  /** From the request that makes a change to the event of the bare watch: what is not ours. */
  apiServerMs: Spread;
  machine: {
    apiServerCores: number;
    etcdCores: number;
    proxiesCores: number;
    harnessCores: number;
    /** Share of all CPUs, by anything else. */
    othersShare: number;
    proxiesLagMs: { p99: number; max: number };
    harnessLagMs: { p99: number; max: number };
  };
  /** By the operators' own histograms: from a change in the cache to the socket, and to the acknowledgement. */
  own: { writeP99Ms: number; acknowledgedP99Ms: number };
}

export interface RestartFigures {
  signal: 'SIGTERM' | 'SIGKILL';
  /** Proxies whose stream ended. */
  moved: number;
  back: number;
  /** From the first stream that ended to the last proxy that is back, and from the signal: a replica that is told to stop goes on serving for a while. */
  allBackMs: number;
  sinceSignalMs: number;
  awayMs: Spread;
  /** Mean of a proxy that comes with nothing, and of one that comes back. */
  fullBytes: number;
  resumeBytes: number;
  resumeMaxBytes: number;
  reasons: Record<string, number>;
}
