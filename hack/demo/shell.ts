import { spawn } from 'node:child_process';

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

export interface ShellOptions {
  input?: string;
  timeoutMs?: number;
  /** Resolve whatever the exit status; otherwise a status other than 0 rejects with stderr. */
  anyStatus?: boolean;
}

export function shell(command: string, args: readonly string[], options: ShellOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: options.timeoutMs ?? 120_000 });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const finished = { code: code ?? -1, stdout, stderr };
      if (finished.code === 0 || options.anyStatus === true) return resolve(finished);
      reject(
        new Error(`${command} ${args.join(' ')}: exit status ${finished.code}: ${stderr.trim() || stdout.trim()}`),
      );
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

/** Polls until `probe` gives something other than null; rejects with `what` after the time limit. Returns the value and the time it took. */
export async function until<T>(
  what: string,
  limitMs: number,
  probe: () => Promise<T | null>,
  everyMs = 100,
): Promise<{ value: T; ms: number }> {
  const startedMs = performance.now();
  for (;;) {
    const value = await probe();
    const ms = performance.now() - startedMs;
    if (value !== null) return { value, ms };
    if (ms > limitMs) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await sleep(everyMs);
  }
}
