/** What a service saw, by the caller's `x-phase` header: counted here, at the backend, not by the mesh. */
export class Counters {
  #phases = new Map<string, { requests: number; failed: number; paths: Map<string, number> }>();

  count(phase: string, path: string, failed: boolean): void {
    let entry = this.#phases.get(phase);
    if (entry === undefined) {
      if (this.#phases.size >= 1000) return;
      entry = { requests: 0, failed: 0, paths: new Map() };
      this.#phases.set(phase, entry);
    }
    entry.requests++;
    if (failed) entry.failed++;
    if (entry.paths.size < 100 || entry.paths.has(path)) entry.paths.set(path, (entry.paths.get(path) ?? 0) + 1);
  }

  report(): Record<string, { requests: number; failed: number; paths: Record<string, number> }> {
    return Object.fromEntries(
      [...this.#phases].map(([phase, entry]) => [phase, { ...entry, paths: Object.fromEntries(entry.paths) }]),
    );
  }

  reset(): void {
    this.#phases.clear();
  }
}
