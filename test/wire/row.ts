import type { Answer, Ask } from './app/contract.ts';
import type { Client } from './world.ts';

/** What a row asks, and what has to come of it. */
export interface Question {
  client: Client;
  /** Name and namespace of the Service that is called; its address is known once it is there. */
  service: { name: string; namespace: string };
  ask: Omit<Ask, 'id' | 'ip'>;
  expected: string;
  /** What was measured, and whether that is it. `counts`: what came of it at the Services, by their names; attempts and copies each count as one. */
  judge(answers: readonly Answer[], counts: Readonly<Record<string, number>>): Verdict;
  /** Whether the verdict needs `counts`, or a server has to tell the attempts apart. */
  counted: boolean;
}

export interface Verdict {
  holds: boolean;
  measured: string;
}

/** A row as it is in the cluster: its objects under names of its own, so that all rows are there at once. */
export interface WireRow {
  about: string;
  title: string;
  rule: string;
  /**
   * Raw objects, to be created in this order: those of one list at the same time, those of the next more than a second later, for precedence goes by the time of
   * creation, which counts whole seconds.
   */
  objects: readonly (readonly object[])[];
  /** Those of `objects` that must have one time of creation. */
  oneAge: readonly object[];
  questions: readonly Question[];
  /** Where the API server has to refuse an object of it: what the refusal says. Nothing is asked then. */
  refused: string;
}

/** Of one request or stream, in words. */
export function inWords(answer: Answer): string {
  if (answer.error !== '') return answer.error;
  const parts = [`${answer.status}`];
  if (answer.grpcStatus >= 0) parts.push(`grpc-status ${answer.grpcStatus}`);
  parts.push(
    answer.seen === null ? `by a proxy ${answer.headers['l5d-proxy-error'] ?? ''}`.trim() : `by ${answer.seen.name}`,
  );
  return parts.join(', ');
}
