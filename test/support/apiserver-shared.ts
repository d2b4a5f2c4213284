import { startApiServer, type TestApiServer } from '../../hack/apiserver/server.ts';

/**
 * One API server for all files of a mocha run: starting it costs seconds, a namespace per test nothing.
 * Whoever halts or pauses it brings it back before the test ends; a test that needs other flags starts its own.
 * Nobody stops it: it does not keep the process alive, and its watchdog ends it when the process is gone.
 */
let shared: Promise<TestApiServer> | null = null;

/** Use it in `before`, with a timeout that allows for the first start: `this.timeout(API_SERVER_START_MS)`. */
export function sharedApiServer(): Promise<TestApiServer> {
  shared ??= startApiServer({ controllerManager: true });
  return shared;
}

/** The first start may have to wait for programs that are being built. */
export const API_SERVER_START_MS = 50 * 60_000;
