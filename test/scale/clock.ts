/** `performance.now()` begins with the process, this with the machine (both are CLOCK_MONOTONIC): what several processes have seen can be compared. */
const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export function machineMs(): number {
  return performance.now() + OFFSET_MS;
}
