import { existsSync, readFileSync, writeSync } from 'node:fs';
import { type RunConfig, readRunConfig } from '../config/config.ts';
import { WeftError } from '../contract/errors.ts';
import { errorFields } from '../io/control/error-fields.ts';
import { othersHaveSockets } from '../io/pod-sockets.ts';
import { LOOK_MS, QuietMoments } from '../io/quiet.ts';
import { createBunTransport } from '../io/transport/bun.ts';
import { bunRuntime } from '../io/transport/bun-api.ts';
import { loadSocketOptions } from '../io/transport/bun-socket-option.ts';
import { type LocalNetwork, parseLocalNetwork } from '../io/transport/local-network.ts';
import { RedirectedDestination } from '../io/transport/original-destination.ts';
import { MeshProxy, type Platform } from '../run/proxy.ts';
import type { Invocation } from './verb.ts';

const IPV6_INTERFACES = '/proc/net/if_inet6';

/** Certificate and policy have come, and traffic has hardly begun: what starting took (1 MiB of 10, docs/performance.md) is given back. */
const STARTED_MS = 2_000;

/**
 * `run`, under Bun. What loading has left is given back first: on top of it, starting would fill the heap so far that a thread which collects beside ours
 * is started and stays (0.2 MiB, hack/adr/0006-runtime-flags.md). Resolves when the proxy has drained, after SIGTERM, SIGINT or POST /shutdown.
 */
export async function verb({ environment }: Invocation): Promise<void> {
  collect();
  giveBack();
  const config = readRunConfig(environment);
  let proxy: MeshProxy | null = null;
  // A defect ends the connection that met it, never the process: other connections are somebody else's.
  const onFault = (error: unknown): void => proxy?.log.error('defect', errorFields(error));
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
  proxy = new MeshProxy(config, createPlatform(config, onFault));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => proxy?.signalled(signal));
  await proxy.start();
  setTimeout(giveBack, STARTED_MS).unref();
  const quiet = new QuietMoments({ cpuMs, collect, giveBack });
  setInterval(() => quiet.look(), LOOK_MS).unref();
  await proxy.ended;
}

function giveBack(): void {
  bunRuntime()?.shrink();
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Under load: only garbage, for compiled code is in use. */
function collect(): void {
  bunRuntime()?.gc(true);
}

function createPlatform(config: RunConfig, onFault: (error: unknown) => void): Platform {
  const options = loadSocketOptions();
  return {
    transport: createBunTransport(onFault, options),
    originalDestination: new RedirectedDestination(options),
    localNetwork: config.localNetworkFile === '' ? null : readLocalNetwork(config.localNetworkFile),
    ipv6Interfaces: existsSync(IPV6_INTERFACES) ? readFileSync(IPV6_INTERFACES, 'utf8') : null,
    runtime: `bun ${process.versions['bun'] ?? ''}`,
    othersHaveSockets: () => othersHaveSockets(process.getuid?.() ?? 0),
    write: writeOut,
  };
}

/** Whoever reads our output may be gone or slow: a line is lost then, never a request. */
function writeOut(text: string): void {
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
  } catch {
    // EAGAIN or EPIPE: there is nowhere to say so.
  }
}

function readLocalNetwork(file: string): LocalNetwork {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const detail = error instanceof Error ? error.message : file;
    throw new WeftError('WEFT_CONFIG_ENVIRONMENT', `WEFT_PROXY_LOCAL_NETWORK: ${detail}`, error);
  }
  return parseLocalNetwork(parsed);
}
