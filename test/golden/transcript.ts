import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CliResult } from '../support/cli.ts';

/** A command line, and what it has printed: stdout, then stderr, then a status that is not 0. */
interface Exchange {
  line: string;
  output: string;
}

/** Commands in the text behind a line `$ weft …` each, as they would be in a terminal. @param name of a file beside this one */
export function transcript(name: string): Exchange[] {
  const text = readFileSync(join(import.meta.dirname, name), 'utf8');
  return text
    .split(/^\$ weft /m)
    .filter((block) => block !== '')
    .map((block) => {
      const [line = '', ...output] = block.split('\n');
      return { line, output: output.join('\n').replace(/\n\n$/, '\n') };
    });
}

/** Runs each command line of a transcript, and compares what it prints. */
export async function expectTranscript(name: string, run: (argv: string[]) => Promise<CliResult>): Promise<void> {
  const exchanges = transcript(name);
  expect(exchanges).not.to.deep.equal([]);
  for (const { line, output } of exchanges) expect(printedBy(await run(wordsOf(line))), line).to.equal(output);
}

export function printedBy({ status, stdout, stderr }: CliResult): string {
  return `${stdout}${stderr}${status === 0 ? '' : `status ${status}\n`}`;
}

/** Words apart by spaces; quotes hold one together. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
}
