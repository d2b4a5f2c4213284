/** What `go test -v` wrote of one test. */
export interface TestResult {
  /** Without the name of the one Go test that holds all of them. */
  name: string;
  outcome: 'passed' | 'failed' | 'skipped';
  /** Of its longest part where they run in parallel: Go does not count these for the whole. */
  seconds: number;
  /** Of its parts that failed, or of itself where it has no parts. */
  failures: Failure[];
}

export interface Failure {
  part: string;
  /** The last expectation that did not hold; empty where the log tells none. */
  reason: string;
}

const ROOT = 'TestConformance/';
/** Whose the following lines are. */
const SPEAKER = /^=== (?:RUN|NAME|CONT|PAUSE) +(\S+)/;
const END = /^\s*--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)/;
const OUTCOMES = { PASS: 'passed', FAIL: 'failed', SKIP: 'skipped' } as const;
/**
 * The suite's words for an attempt that was not right (`conformance/utils/echo/pod.go`, `tests/mesh/*-weight.go`), without the seconds that it took, and those of
 * its assertions.
 */
const REASONS = [
  /not ready yet: (.+?)(?: \(after [^)]*\))?$/,
  /Traffic distribution test failed [^:]*: (.+)$/,
  /^\s+Error:\s+(.+)$/,
  /panic: (.+)$/,
];
/** The suite lengthens its list of statuses by the same one at each attempt. */
const SAME_STATUS = /\[(\d+)(?: \1)+\]/;

/** The suite's tests in the order of their end. */
export function readLog(text: string): TestResult[] {
  const results = new Map<string, TestResult>();
  const failed: string[] = [];
  const longest = new Map<string, number>();
  const reasons = new Map<string, string>();
  let speaker = '';
  for (const line of text.split('\n')) {
    speaker = SPEAKER.exec(line)?.[1] ?? speaker;
    const reason = reasonOf(line);
    if (reason !== null) reasons.set(speaker, reason);
    const [, outcome, path, seconds] = END.exec(line) ?? [];
    if (!path?.startsWith(ROOT)) continue;
    if (outcome === 'FAIL') failed.push(path);
    const [name, ...part] = path.slice(ROOT.length).split('/');
    longest.set(name!, Math.max(longest.get(name!) ?? 0, Number(seconds)));
    if (part.length > 0) continue;
    results.set(name!, { name: name!, outcome: OUTCOMES[outcome as keyof typeof OUTCOMES], seconds: 0, failures: [] });
  }
  for (const path of failed.filter((one) => !failed.some((other) => other.startsWith(`${one}/`)))) {
    const [name, ...part] = path.slice(ROOT.length).split('/');
    results.get(name!)?.failures.push({ part: part.join('/').replaceAll('_', ' '), reason: reasons.get(path) ?? '' });
  }
  return [...results.values()].map((result) => ({ ...result, seconds: longest.get(result.name)! }));
}

function reasonOf(line: string): string | null {
  for (const pattern of REASONS) {
    const reason = pattern.exec(line)?.[1];
    if (reason !== undefined) return reason.replace(SAME_STATUS, '$1');
  }
  return null;
}
