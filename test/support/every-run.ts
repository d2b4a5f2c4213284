import { config } from 'chai';

// What every run of tests begins and ends with.

// The values that differ are shown whole: what a list of failures holds is the failure.
config.truncateThreshold = 0;

/** Connections and children of the last test may take this long to go. */
const GRACE_MS = 20_000;

export const mochaHooks = {
  /**
   * The run ends: what a test left open (a server, a child, a timer) would keep mocha alive for ever, since `exit` is off so that such faults are seen. After a
   * while what is still open is named, and the run fails.
   */
  afterAll(): void {
    const timer = setTimeout(() => {
      const open = process.getActiveResourcesInfo().join(', ');
      process.stderr.write(`The tests are over, but ${GRACE_MS / 1000} s later this is still open: ${open}\n`);
      process.exit(1);
    }, GRACE_MS);
    timer.unref();
  },
};
