// A run of tests ends: what a test left open (a server, a child, a timer) would keep mocha alive for ever, since `exit` is off so that such faults are seen.
// This root hook gives a run that is over a while to let go, then says what is still open and fails it.

const GRACE_MS = 20_000;

export const mochaHooks = {
  afterAll(): void {
    const timer = setTimeout(() => {
      process.stderr.write(
        `The tests are over, but ${GRACE_MS / 1000} s later this is still open: ${process.getActiveResourcesInfo().join(', ')}\n`,
      );
      process.exit(1);
    }, GRACE_MS);
    timer.unref();
  },
};
