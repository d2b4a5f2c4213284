/** A process that plays proxies, for the harness that has started it and tells it which. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createSecureContext, type SecureContext } from 'node:tls';
import { PING_INTERVAL_MS } from '../../../proxy-image/contract/messages.ts';
import { machineMs } from '../clock.ts';
import { Arrivals } from './arrivals.ts';
import type { Cast, Command, Figures, Report } from './protocol.ts';
import { SimulatedProxy, type Stage } from './simulated-proxy.ts';

/** Handshakes at a time. */
const AT_A_TIME = 20;
const FLUSH_MS = 500;
/** Pings are sent in so many parts of their interval. */
const PING_PARTS = 150;
const NS_PER_MS = 1e6;

const arrivals = new Arrivals();
const delay = monitorEventLoopDelay({ resolution: 5 });
let proxies: SimulatedProxy[] = [];
let counted = empty();
let led: readonly number[] = [];
let connecting: Promise<void> = Promise.resolve();

function empty() {
  return {
    dropped: {} as Record<string, number>,
    refusedBatches: 0,
    messages: 0,
    bytes: 0,
    firstEndedMs: null as number | null,
    lastBackMs: null as number | null,
    backMs: [] as number[],
    fullBytes: [] as number[],
    resumeBytes: [] as number[],
    cpu: process.cpuUsage(),
  };
}

function say(report: Report): void {
  process.send?.(report);
}

function stageOf({ replicas, serverName, leaves, anchorsPem }: Cast): Stage {
  const contexts = new Map<number, SecureContext>();
  return {
    replicas,
    led: () => led,
    serverName,
    contextOf(leaf) {
      const { keyPem, chainPem } = leaves[leaf]!;
      const context = contexts.get(leaf) ?? createSecureContext({ ca: anchorsPem, key: keyPem, cert: chainPem });
      contexts.set(leaf, context);
      return context;
    },
    arrived: (key, bytes) => arrivals.note(key, machineMs(), bytes),
    message(bytes) {
      counted.messages += 1;
      counted.bytes += bytes;
    },
    filled: (bytes) => void counted.fullBytes.push(bytes),
    back(awayMs) {
      counted.lastBackMs = machineMs();
      counted.backMs.push(awayMs);
    },
    resumed: (bytes) => void counted.resumeBytes.push(bytes),
    ended(reason) {
      counted.firstEndedMs ??= machineMs();
      counted.dropped[reason] = (counted.dropped[reason] ?? 0) + 1;
    },
    refused: () => {
      counted.refusedBatches += 1;
    },
  };
}

async function connectBelow(below: number): Promise<void> {
  const waiting = proxies.filter(({ role, isBegun }) => role.at < below && !isBegun);
  for (let at = 0; at < waiting.length; at += AT_A_TIME) {
    await Promise.all(waiting.slice(at, at + AT_A_TIME).map((proxy) => proxy.connect()));
  }
}

function figures(): Figures {
  const { cpu, ...rest } = counted;
  const { user, system } = process.cpuUsage(cpu);
  const holders: Record<string, number> = {};
  for (const { held } of proxies) for (const key of held.keys()) holders[key] = (holders[key] ?? 0) + 1;
  return {
    ...rest,
    settled: proxies.filter(({ isSettled }) => isSettled).length,
    connected: proxies.filter(({ isConnected }) => isConnected).length,
    cpuMs: (user + system) / 1_000,
    lagMs: { p99: delay.percentile(99) / NS_PER_MS, max: delay.max / NS_PER_MS },
    rssBytes: process.memoryUsage.rss(),
    holders,
  };
}

process.on('message', (command: Command) => {
  switch (command.type) {
    case 'cast': {
      const stage = stageOf(command.cast);
      led = command.cast.replicas.map((_, number) => number);
      proxies = command.cast.proxies.map((role) => new SimulatedProxy(role, stage));
      return;
    }
    case 'connect':
      connecting = connecting.then(() => connectBelow(command.below));
      return;
    case 'lead':
      led = command.replicas;
      return;
    case 'mark':
      counted = empty();
      arrivals.clear();
      delay.reset();
      return;
    case 'tell':
      say({ type: 'figures', question: command.question, figures: figures() });
  }
});
process.on('disconnect', () => process.exit());

let part = 0;
delay.enable();
setInterval(() => {
  for (let at = part; at < proxies.length; at += PING_PARTS) if (proxies[at]!.isSettled) proxies[at]!.ping();
  part = (part + 1) % PING_PARTS;
}, PING_INTERVAL_MS / PING_PARTS);
setInterval(() => {
  const over = arrivals.take(machineMs());
  if (over.length > 0) say({ type: 'arrivals', arrivals: over });
}, FLUSH_MS);
