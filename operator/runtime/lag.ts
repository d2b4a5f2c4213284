import type { RawObject } from './list-watch.ts';

/**
 * Since an object was last written, by what the API server has noted of its writers (whole seconds); `null` where it has not. By clocks of two machines: never
 * less than 0.
 */
export function lagMs({ metadata }: RawObject, wallMs: number): number | null {
  const { creationTimestamp, managedFields = [] } = metadata ?? {};
  const written = [creationTimestamp, ...managedFields.map(({ time }) => time)];
  const times = written.map((time) => new Date(time ?? '').getTime()).filter((time) => !Number.isNaN(time));
  return times.length === 0 ? null : Math.max(0, wallMs - Math.max(...times));
}
