import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const BUILD = path.join(import.meta.dirname, '../../../hack/h2spec/build');
const BUILD_LIMIT_MS = 600_000;
/** Every case may wait for its answer until h2spec's own time limit. */
const RUN_LIMIT_MS = 240_000;
/** Seconds that one case waits: on a busy machine the usual two are few. */
const CASE_SECONDS = 4;

export interface Verdict {
  passed: number;
  /** By section and title, with what was expected and what came. */
  failed: string[];
  skipped: string[];
}

/** Path of the program: what `H2SPEC` names, otherwise built from source. */
export async function findH2spec(): Promise<string> {
  const named = process.env['H2SPEC'] ?? '';
  if (named !== '') return named;
  return (await promisify(execFile)(BUILD, [], { timeout: BUILD_LIMIT_MS })).stdout.trim();
}

/** All cases, the strict ones too, against a server without TLS on a port of this machine. */
export async function runH2spec(program: string, port: number): Promise<Verdict> {
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-h2spec-'));
  const report = path.join(directory, 'report.xml');
  const args = ['--strict', '--port', String(port), '--timeout', String(CASE_SECONDS), '--junit-report', report];
  try {
    // Exits with 1 when a case fails; the report tells which. Without one, its own words do.
    const output = await promisify(execFile)(program, args, { timeout: RUN_LIMIT_MS }).catch(String);
    return verdictOf(read(report, output));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function read(report: string, output: unknown): string {
  try {
    return readFileSync(report, 'utf8');
  } catch (cause) {
    throw new Error(`h2spec has written no report: ${JSON.stringify(output)}`, { cause });
  }
}

const SUITE = /<testsuite name="([^"]*)" package="([^"]*)"[^>]*>(.*?)<\/testsuite>/gs;
const CASE = /<testcase [^>]*classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs;
const PROBLEM = /<(?:error|failure)[^>]*>(.*?)<\/(?:error|failure)>/s;

/** The JUnit report that h2spec writes. The last line of an error is what came, the others are what would have been right. */
export function verdictOf(report: string): Verdict {
  const verdict: Verdict = { passed: 0, failed: [], skipped: [] };
  for (const [, section, specification, cases] of report.matchAll(SUITE)) {
    for (const [, title, content] of cases!.matchAll(CASE)) {
      const name = `${specification} (${section}): ${title}`;
      const problem = PROBLEM.exec(content!);
      if (problem !== null) verdict.failed.push(`${name}: ${told(problem[1]!)}`);
      else if (content!.includes('<skipped>')) verdict.skipped.push(name);
      else verdict.passed++;
    }
  }
  return verdict;
}

function told(text: string): string {
  const lines = text.trim().split('\n');
  const actual = lines.pop();
  return `expected ${lines.join(' or ')}, came ${actual}`;
}
