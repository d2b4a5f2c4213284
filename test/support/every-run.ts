import { config } from 'chai';

// What every run of tests begins and ends with.

// The values that differ are shown whole: what a list of failures holds is the failure.
config.truncateThreshold = 0;

/** Connections and children of the last test may take this long to go. */
const GRACE_MS = 20_000;
/** Timers fire by themselves: those of proxies that were stopped run as long as a deadline of theirs may be. */
const TIMERS_MS = 90_000;

export const mochaHooks = {
  /**
   * The run ends: what a test left open (a server, a child, a connection) would keep mocha alive for ever, since `exit` is off so that such faults are seen.
   * After a while what is still open is named, and the run fails.
   */
  afterAll(): void {
    process.once('beforeExit', exitAtOnce);
    setTimeout(() => {
      if (stillOpen().length > 0) fail(GRACE_MS);
      setTimeout(fail, TIMERS_MS, GRACE_MS + TIMERS_MS).unref();
    }, GRACE_MS).unref();
  },
};

/**
 * Nothing is open any more. Node closes its own handles then, and has been seen to turn round for ever at that (`Environment::CleanupHandles`, in 26.10), after all tests had passed. Mocha's
 * listener, which sets the code, was there before this one.
 */
function exitAtOnce(): void {
  process.once('exit', () => process.exit());
}

/** Without timers, and the pipes of the process itself. */
function stillOpen(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout' && kind !== 'PipeWrap');
}

function fail(afterMs: number): never {
  const open = process.getActiveResourcesInfo().join(', ');
  process.stderr.write(`The tests are over, but ${afterMs / 1000} s later this is still open: ${open}\n`);
  // Mocha sets the code once more at the end, to the number of failures.
  process.once('exit', () => {
    process.exitCode = 1;
  });
  process.exit(1);
}
