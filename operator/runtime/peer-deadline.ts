import type { Clock, Timer } from './clock.ts';

/** A deadline goes by in steps of this length, each of which counts for no more, however late the event loop comes to its end. */
export const STEP_MS = 250;
/** Later than this is not the runtime's ordinary unpunctuality. */
export const LATE_MS = 50;
/** For the event loop to come to what the sockets have received while it was away. */
export const HEARING_MS = 20;

/**
 * Runs `expired` when a peer has had `limitMs`, counting only time in which this process was there to notice: one that was not given the CPU, or was busy with
 * something long, hears what has arrived before it judges.
 */
export function peerDeadline(clock: Clock, limitMs: number, expired: () => void): Timer {
  let leftMs = limitMs;
  const step = (stepMs: number): Timer => {
    const dueMs = clock.nowMs() + stepMs;
    return clock.schedule(stepMs, () => {
      leftMs -= stepMs;
      const late = clock.nowMs() - dueMs > LATE_MS;
      if (leftMs > 0) timer = step(Math.min(leftMs, STEP_MS));
      else if (late) timer = clock.schedule(HEARING_MS, expired);
      else expired();
    });
  };
  let timer = step(Math.min(leftMs, STEP_MS));
  return { cancel: () => timer.cancel() };
}
