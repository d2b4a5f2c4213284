import { dirname } from 'node:path';
import type { SourceFile } from './sources.ts';

/** Folder → folders that its files import from → the imports. Types count: who names a type of another folder cannot be read without it. */
export type FolderGraph = Map<string, Map<string, string[]>>;

export function foldersOf(files: readonly Pick<SourceFile, 'path' | 'imports'>[]): FolderGraph {
  const graph: FolderGraph = new Map();
  for (const { path, imports } of files) {
    const from = dirname(path);
    const edges = graph.get(from) ?? new Map<string, string[]>();
    graph.set(from, edges);
    for (const target of imports) {
      const to = dirname(target);
      if (to !== from) edges.set(to, [...(edges.get(to) ?? []), `${path} imports ${target}`]);
    }
  }
  return graph;
}

/** Groups of folders that all reach one another (Tarjan), each sorted. */
export function cyclesOf(graph: FolderGraph): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  const visit = (folder: string): number => {
    const index = order.size;
    order.set(folder, index);
    lowest.set(folder, index);
    stack.push(folder);
    for (const next of graph.get(folder)?.keys() ?? []) {
      if (!order.has(next)) lowest.set(folder, Math.min(lowest.get(folder)!, visit(next)));
      else if (stack.includes(next)) lowest.set(folder, Math.min(lowest.get(folder)!, order.get(next)!));
    }
    if (lowest.get(folder) === index) {
      const members = stack.splice(stack.indexOf(folder));
      if (members.length > 1) cycles.push(members.sort());
    }
    return lowest.get(folder)!;
  };
  for (const folder of graph.keys()) if (!order.has(folder)) visit(folder);
  return cycles;
}

/** What makes the cycle, for whoever has to break it. */
export function importsWithin(graph: FolderGraph, cycle: readonly string[]): string[] {
  return cycle.flatMap((from) => cycle.flatMap((to) => graph.get(from)?.get(to) ?? []));
}
