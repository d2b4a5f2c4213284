import { CommanderError } from 'commander';
import { readConfig } from './config.ts';
import { PooledKubeConfig } from './kube/kubeconfig.ts';
import { errorFields } from './runtime/log.ts';
import { createLog } from './telemetry/log.ts';
import { WeftOperator } from './weft-operator.ts';

/** Exit codes: 1 = failed, 2 = wrong usage, 3 = leadership lost (Kubernetes starts the container again). */
const FAILED = 1;
const USAGE = 2;
const LEADERSHIP_LOST = 3;

async function main(): Promise<void> {
  const config = readConfig(process.argv.slice(2), process.env);
  const log = createLog(config.logLevel, { instance: config.podName });
  const kubeConfig = new PooledKubeConfig();
  kubeConfig.loadFromDefault();
  const operator = new WeftOperator({
    config,
    kubeConfig,
    log,
    // No graceful end: another process may lead already, and a half-done write here must not follow its writes.
    onLost: () => process.exit(LEADERSHIP_LOST),
  });
  process.on('uncaughtException', (error) => {
    log.error('ended by a defect', { ...errorFields(error), stack: error.stack });
    process.exit(FAILED);
  });
  const stop = async (code: number) => {
    await operator.stop();
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info('stopping', { signal });
      void stop(0);
    });
  }
  try {
    await operator.start();
  } catch (error) {
    log.error('could not start', errorFields(error));
    await stop(FAILED);
  }
}

main().catch((error: unknown) => {
  // Commander has printed what is wrong, or the help that was asked for.
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : USAGE);
  console.error(error instanceof Error ? error.message : error);
  process.exit(FAILED);
});
