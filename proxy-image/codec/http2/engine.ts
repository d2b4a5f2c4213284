import type { Connection } from '../../io/transport/types.ts';
import type { Flushable } from './flush.ts';
import { Lifecycle, type LifecycleOwner } from './lifecycle.ts';
import type { Http2Context, Http2Limits } from './limits.ts';
import { Output } from './output.ts';
import { type BudgetOwner, PeerBudget } from './peer-budget.ts';
import { type FrameParts, type FramesOwner, PeerFrames } from './peer-frames.ts';
import { ReceiveFlow } from './receive-flow.ts';
import { Http2Scratch } from './scratch.ts';
import type { PeerSettings } from './settings.ts';
import { Streams, type StreamsOwner } from './streams.ts';

/** What its role, server or client, makes of a connection. */
export interface Role extends StreamsOwner, BudgetOwner, LifecycleOwner, FramesOwner, Flushable {}

/** The parts of one connection that both roles have. Each is about one thing and knows those before it; what differs by role they ask the role for. */
export class Engine implements FrameParts {
  readonly connection: Connection;
  readonly limits: Readonly<Http2Limits>;
  readonly scratch: Http2Scratch;
  readonly output: Output;
  readonly flow: ReceiveFlow;
  readonly budget: PeerBudget;
  readonly streams: Streams;
  readonly lifecycle: Lifecycle;
  readonly peer: PeerSettings;
  readonly frames: PeerFrames;

  /** Takes over the connection. Nothing of `role` is called yet. */
  constructor(connection: Connection, context: Http2Context, peer: PeerSettings, role: Role) {
    const { limits } = context;
    context.scratch ??= new Http2Scratch();
    this.scratch = context.scratch;
    this.connection = connection;
    this.limits = limits;
    this.output = new Output(connection, context.flush, role);
    this.flow = new ReceiveFlow(this.output, limits);
    this.budget = new PeerBudget(context, role);
    this.streams = new Streams(this.output, this.flow, this.budget, role);
    this.lifecycle = new Lifecycle(connection, context, this.output, this.flow, this.streams, role);
    this.peer = peer;
    this.frames = new PeerFrames(limits, peer, this, role);
  }
}
