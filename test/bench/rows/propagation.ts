import type { Bench } from '../bench.ts';
import type { Measurement } from '../figures.ts';

export async function runPropagation(_bench: Bench): Promise<Measurement[]> {
  throw new Error('not there yet');
}
