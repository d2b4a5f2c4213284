import { execFileSync, spawn } from 'node:child_process';

/** Set for the second start of the benchmark, inside the namespace. */
const INSIDE = 'WEFT_BENCH_PRIVATE_NETWORK';

export function insidePrivateNetwork(): boolean {
  return process.env[INSIDE] === '1';
}

/**
 * Starts this program again in a network namespace of its own, which ends with it: no interface, rule or port of the machine is touched.
 * Resolves with its exit status.
 */
export function againInPrivateNetwork(): Promise<number> {
  const [entry, ...args] = process.argv.slice(1);
  const child = spawn('unshare', ['--net', '--', process.execPath, entry!, ...args], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: '1' },
  });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGTERM', pass);
  // From a terminal both processes get it; this one waits for the other to clean up.
  process.on('SIGINT', () => {});
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

export function raiseLoopback(): void {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
}
