import { fileURLToPath } from 'node:url';
import type { Bench } from '../bench.ts';
import type { Site } from '../host/site.ts';
import type { FixedRateAnswer, FixedRateRequest } from './fixed-rate-types.ts';

const PROGRAM = fileURLToPath(new URL('./fixed-rate.ts', import.meta.url));

/** @throws when an answer was missing or not a 200 */
export async function fixedRate(bench: Bench, site: Site, request: FixedRateRequest): Promise<FixedRateAnswer> {
  const output = await bench.programs.run({
    argv: [process.execPath, PROGRAM, JSON.stringify(request)],
    place: site.client,
    timeoutMs: request.warmUpMs + request.durationMs + 15_000,
  });
  const answer = JSON.parse(output) as FixedRateAnswer;
  if (answer.failure !== '' || answer.answers < answer.sent) {
    throw new Error(`${request.url}: ${answer.sent} sent, ${answer.answers} answered; ${answer.failure}`);
  }
  return answer;
}
