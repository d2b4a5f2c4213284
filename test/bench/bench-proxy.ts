import { readFileSync } from 'node:fs';
import type { Endpoint } from '../../proxy-image/contract/resources.ts';
import { defaultWorkload } from '../../proxy-image/core/policy/defaults.ts';
import { Xoshiro } from '../../proxy-image/core/rng.ts';
import { ProxyState } from '../../proxy-image/core/state/state.ts';
import { createAdminHandler } from '../../proxy-image/io/admin/admin.ts';
import { Readiness } from '../../proxy-image/io/admin/readiness.ts';
import { lazyRegexEngine } from '../../proxy-image/io/regex-engine.ts';
import { loadRuleParts } from '../../proxy-image/io/rule-parts.ts';
import { JsonLogger } from '../../proxy-image/io/telemetry/log.ts';
import { ProxyRecorder } from '../../proxy-image/io/telemetry/proxy-recorder.ts';
import { createBunTransport } from '../../proxy-image/io/transport/bun.ts';
import { FixedDestination } from '../../proxy-image/io/transport/local-network.ts';
import { listenersOf } from '../../proxy-image/run/listeners.ts';
import { createStack } from '../../proxy-image/stack/stack.ts';
import { backend, route, service } from '../unit/core/fixtures.ts';

/** What `datapath.ts` tells a proxy that it starts: one service with one endpoint, and one policy. */
export interface BenchProxyConfig {
  outboundPort: number;
  inboundPort: number;
  keyPem: string;
  certificatePem: string;
  anchorsPem: string;
  endpoint: Endpoint | null;
}

/** The data plane as it ships, configured by a file instead of an operator. */
async function main(file: string): Promise<void> {
  const config = JSON.parse(readFileSync(file, 'utf8')) as BenchProxyConfig;
  const transport = createBunTransport((error) => console.error(error));
  const clock = { nowMs: () => transport.timers.nowMs(), wallMs: () => Date.now() };
  const state = new ProxyState({
    clock,
    loadRegexEngine: lazyRegexEngine(),
    loadRuleParts,
    namespace: 'bench',
    pod: 'proxy',
    node: '',
    zone: '',
    initialWorkload: defaultWorkload({
      namespace: 'bench',
      pod: 'proxy',
      policy: 'all-authenticated',
      clusterNetworks: ['10.0.0.0/8'],
      detectTimeoutMs: 10_000,
      opaquePorts: [],
      requireIdentityPorts: [],
    }),
  });
  if (config.endpoint !== null) configure(state, config.endpoint);
  const context = transport.tlsContext(config);
  const log = { level: 'warn' as const, write: (line: string) => process.stderr.write(line), wallMs: () => Date.now() };
  const stack = createStack({
    transport,
    state,
    recorder: new ProxyRecorder({ clock, podIp: '127.0.0.1', zone: () => '' }),
    log: new JsonLogger(log),
    rng: new Xoshiro(1),
    wallMs: () => Date.now(),
    tlsContext: () => context,
    listeners: listenersOf(
      {
        outbound: [{ ip: '127.0.0.1', port: config.outboundPort }],
        inbound: [{ ip: '127.0.0.1', port: config.inboundPort }],
        inboundPlain: [],
        admin: [],
        tapPort: 0,
      },
      '',
      new FixedDestination({ ip: '10.96.0.1', port: 80 }),
      null,
    ),
    dialAddress: (address) => address,
    reservedPorts: [],
    admin: createAdminHandler({
      readiness: new Readiness([]),
      metrics: () => '',
      log,
      shutdownEnabled: false,
      shutdown: () => {},
    }),
    probeRelay: null,
    accessLog: null,
  });
  await stack.startTraffic();
  console.log('ready');
}

function configure(state: ProxyState, endpoint: Endpoint): void {
  const endpoints = 'endpoints/bench/web:80/ipv4';
  const authority = 'web.bench.svc.cluster.local:80';
  const rejected = state.apply([
    { op: 'set', key: endpoints, version: '1', body: { sources: '1', endpoints: [endpoint] } },
    {
      op: 'set',
      key: 'service/10.96.0.1:80',
      version: '1',
      body: service({
        namespace: 'bench',
        authority,
        routes: [route('get', '/.*')],
        backends: [backend('web', 1000, { authority, namespace: 'bench', endpoints })],
      }),
    },
  ]);
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
}

await main(process.argv[2]!);
