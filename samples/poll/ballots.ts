import { Server, status } from '@grpc/grpc-js';
import { RESULTS, type Result, VOTES_FOR } from './api.ts';
import type { Counts } from './counts.ts';
import { Refusal, serve } from './rpc.ts';

/** The service that takes votes, and keeps them in memory. Votes for `failing` always end with INTERNAL; empty = none fails. */
export function ballotsServer(counts: Counts, failing: string): Server {
  const server = new Server();
  const votes = new Map<string, number>();
  for (const [pattern, method] of VOTES_FOR) {
    serve(server, counts, method, () => {
      if (pattern === failing) throw new Refusal(status.INTERNAL, 'the ballot box of this pattern is stuck');
      const total = (votes.get(pattern) ?? 0) + 1;
      votes.set(pattern, total);
      return { votes: total };
    });
  }
  serve(server, counts, RESULTS, () => resultsOf(votes));
  return server;
}

function resultsOf(votes: ReadonlyMap<string, number>): Result[] {
  const results = [...VOTES_FOR.keys()].map((pattern) => ({ pattern, votes: votes.get(pattern) ?? 0 }));
  return results.sort((a, b) => b.votes - a.votes || a.pattern.localeCompare(b.pattern));
}
