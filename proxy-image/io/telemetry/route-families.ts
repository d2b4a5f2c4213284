import type { Clock } from '../../../lib/clock.ts';
import { InboundRouteFamilies } from './inbound-route-families.ts';
import { OutboundRouteFamilies } from './outbound-route-families.ts';
import type { RouteRecorder } from './recorder.ts';
import type { TextWriter } from './text-writer.ts';

/** What is counted by routes that are not a profile's. Made for the first request by one: who has no such routes pays nothing. */
export class RouteFamilies implements RouteRecorder {
  readonly outbound: OutboundRouteFamilies;
  readonly inbound: InboundRouteFamilies;

  /** `capacity`: series of each group of families. */
  constructor(capacity: number, clock: Clock) {
    this.outbound = new OutboundRouteFamilies(capacity);
    this.inbound = new InboundRouteFamilies(capacity, clock);
  }

  /** See `ProxyRecorder.evictIdle`. */
  advance(epoch: number, before: number): void {
    this.outbound.advance(epoch, before);
    this.inbound.advance(epoch, before);
  }

  write(writer: TextWriter): void {
    this.outbound.write(writer);
    this.inbound.write(writer);
  }
}
