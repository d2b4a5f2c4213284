import type { WindowFigures } from './figures.ts';

const MIB = 1_048_576;
/** `operator.resources.limits.memory` of a replica. */
const LIMIT_MIB = 1_024;
/** JavaScript runs on one core; above this share of it, changes wait for one another. */
const BUSY_CORE = 0.7;

/** A straight line through the measured points, by least squares. */
export interface Line {
  slope: number;
  intercept: number;
}

export function lineThrough(points: readonly (readonly [x: number, y: number])[]): Line {
  const mean = (of: (point: readonly [number, number]) => number) =>
    points.reduce((total, point) => total + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point[0]), mean((point) => point[1])];
  const slope = mean((point) => (point[0] - x) * (point[1] - y)) / mean((point) => (point[0] - x) ** 2);
  return { slope, intercept: y - slope * x };
}

/** What the curve comes to with so many proxies, where it goes on as it has begun. */
export interface Extrapolation {
  proxies: number;
  /** All replicas together. */
  cores: number;
  memoryMib: number;
  /** Of one replica more, and of a proxy more. */
  replicaMib: number;
  proxyKib: number;
  /** CPU for a message to a proxy and its acknowledgement. */
  messageUs: number;
  /** Replicas that it takes, by what one of them has: memory below its limit, and a core that is not too busy. */
  replicasForMemory: number;
  replicasForCpu: number;
}

export function extrapolate(windows: readonly WindowFigures[], proxies: number): Extrapolation | null {
  if (windows.length < 2) return null;
  const replicas = windows[0]!.operators.coresEach.length;
  const memory = lineThrough(windows.map((of) => [of.proxies, of.operators.memoryBytes / MIB]));
  const cpu = lineThrough(windows.map((of) => [of.proxies, of.operators.cores]));
  const message = lineThrough(windows.map((of) => [of.messagesPerSecond, of.operators.cores]));
  const replicaMib = memory.intercept / replicas;
  const roomMib = LIMIT_MIB - replicaMib;
  return {
    proxies,
    cores: cpu.intercept + cpu.slope * proxies,
    memoryMib: memory.intercept + memory.slope * proxies,
    replicaMib,
    proxyKib: memory.slope * 1_024,
    messageUs: message.slope * 1e6,
    replicasForMemory: Math.ceil((memory.slope * proxies) / roomMib),
    // What does not come of proxies, each replica does for itself.
    replicasForCpu: Math.ceil((cpu.slope * proxies) / (BUSY_CORE - cpu.intercept / replicas)),
  };
}

export function extrapolationText(of: Extrapolation): string {
  return [
    `${of.proxies} proxies, if it goes on so: ${of.cores.toFixed(1)} cores and ${of.memoryMib.toFixed(0)} MiB in all`,
    `  (a replica ${of.replicaMib.toFixed(0)} MiB, a proxy ${of.proxyKib.toFixed(0)} KiB; a message with its acknowledgement ${of.messageUs.toFixed(0)} µs)`,
    `  replicas for their memory: ${of.replicasForMemory} (limit ${LIMIT_MIB} MiB), for their CPU: ${of.replicasForCpu} (at most ${BUSY_CORE} of a core)`,
  ].join('\n');
}
