/** By operation (`GET /patterns`, `/weft.poll.v1.Patterns/List`), then by how it ended (HTTP status, gRPC status, or an error's code). */
type Tally = Record<string, Record<string, number>>;

export interface CountsReport {
  received: Tally;
  sent: Tally;
}

/** What a workload has answered and what it was answered, counted when it ended; by the workload itself, and not by the mesh. */
export class Counts {
  readonly #report: CountsReport = { received: {}, sent: {} };

  received(operation: string, ending: string | number): void {
    add(this.#report.received, operation, String(ending));
  }

  sent(operation: string, ending: string | number): void {
    add(this.#report.sent, operation, String(ending));
  }

  report(): CountsReport {
    return this.#report;
  }
}

/** Operations come from a list of the program's own, never from what a caller writes: there is no bound to keep here. */
function add(tally: Tally, operation: string, ending: string): void {
  tally[operation] ??= {};
  tally[operation][ending] = (tally[operation][ending] ?? 0) + 1;
}
