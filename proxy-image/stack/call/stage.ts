/**
 * One step of what is done with a call. Made once per stack and shared by all calls, of which it reads and writes only the fields that `C` is declared to have
 * where the stage is.
 */
export abstract class Stage<C> {
  /** Wired once, by `inOrder`: each stage calls the next itself, so that every such call has one receiver. */
  next!: Stage<C>;

  /** Goes on with `next`, now or later, or answers the call. */
  abstract run(call: C): void;
}

/** Wires stages as they stand in the list. */
export function inOrder<C>(stages: readonly Stage<C>[]): void {
  for (let i = 1; i < stages.length; i++) stages[i - 1]!.next = stages[i]!;
}
