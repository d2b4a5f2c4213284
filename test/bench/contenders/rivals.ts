import { chmodSync, constants, copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { PROXY_PORTS, PROXY_UID } from '../../../proxy-image/contract/ports.ts';
import { createLeaf } from '../../support/certificates.ts';
import type { Bench } from '../bench.ts';
import { envoyPath } from '../host/envoy.ts';
import type { Program } from '../host/programs.ts';
import { APP_PORT, type Pod, type Site } from '../host/site.ts';
import type { Contender } from '../options.ts';
import { type Deployer, type Deployment, type DeployOptions, listens, type Shape } from './deployment.ts';
import { haproxyRoutes } from './haproxy-routes.ts';
import { fillTemplate } from './templates.ts';

const READY_MS = 5_000;
/** What Bun's TLS library prefers on processors with AES instructions; OpenSSL would take the dearer AES-256. */
const CIPHER = 'TLS_AES_128_GCM_SHA256';

export type Rival = Exclude<Contender, 'weft'>;

/** How one rival is started with a file, and how its files are called. */
interface Dialect {
  suffix: string;
  argv(file: string, bench: Bench): string[];
}

const DIALECTS: Readonly<Record<Rival, Dialect>> = {
  haproxy: { suffix: 'cfg', argv: (file) => ['haproxy', '-db', '-f', file] },
  nginx: { suffix: 'conf', argv: (file) => ['nginx', '-c', file] },
  envoy: { suffix: 'yaml', argv: (file, bench) => [envoyProgram(bench), '-c', file, ...ENVOY_FLAGS] },
};

/** One worker, besides the main thread, which does no traffic. */
const ENVOY_FLAGS = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];

/** The proxies' user cannot look into the cache of the one who runs the benchmark. */
function envoyProgram({ directory }: Bench): string {
  const path = join(directory, 'envoy');
  if (!existsSync(path)) {
    copyFileSync(envoyPath(), path, constants.COPYFILE_FICLONE);
    chmodSync(path, 0o755);
  }
  return path;
}

type Side = 'client' | 'server';

/** HAProxy, nginx or Envoy from the files in `test/bench/rivals`. */
export class RivalDeployer implements Deployer {
  readonly name: string;
  readonly #bench: Bench;
  readonly #rival: Rival;
  readonly #variant: string | null;

  /** @param variant has a file of its own, and so a name of its own */
  constructor(bench: Bench, rival: Rival, variant: { file: string; name: string } | null = null) {
    this.#bench = bench;
    this.#rival = rival;
    this.#variant = variant?.file ?? null;
    this.name = variant?.name ?? rival;
  }

  async deploy(site: Site, options: DeployOptions): Promise<Deployment> {
    const { shape } = options;
    const start = (side: Side) => this.#start(site, side, options);
    const client = shape === 'inbound' ? null : await start('client');
    const server = shape === 'outbound' ? null : await start('server');
    return {
      client,
      server,
      url: shape === 'inbound' ? site.inboundUrl : site.url(shape === 'outbound' ? 'plain' : 'meshed'),
      asProxyUser: shape === 'inbound',
      // Their files leave no other way: both sides refuse a peer that they cannot verify.
      verify: async () => {},
      stop: async () => {
        await client?.stop();
        await server?.stop();
      },
    };
  }

  async #start(site: Site, side: Side, options: DeployOptions): Promise<Program> {
    const { argv, suffix } = DIALECTS[this.#rival];
    const folder = this.#bench.folder(`${this.name}-${side}`, PROXY_UID);
    const template = `${this.#rival}-${this.#variant ?? kindOf(options, side)}.${suffix}`;
    const { listen, upstream } = addresses(site, side, options.shape);
    const values = {
      ...endpoint('LISTEN', listen),
      ...endpoint('UPSTREAM', upstream),
      DIRECTORY: folder,
      CIPHER,
      ...this.#credentials(folder, side),
    };
    const routes = this.#rival === 'haproxy' ? haproxyRoutes(options) : '';
    const text = fillTemplate(template, values).replace('    default_backend', `${routes}    default_backend`);
    const file = this.#bench.file(folder, template, text, PROXY_UID);
    const program = this.#bench.programs.start(`${this.name} (${side})`, {
      argv: argv(file, this.#bench),
      place: side === 'client' ? site.client : site.server,
      uid: PROXY_UID,
      log: join(folder, 'log'),
      cgroup: options.cgroups?.[side],
    });
    const port = Number(listen.slice(listen.lastIndexOf(':') + 1));
    await program.waitUntil(async () => listens(program.pid, port), READY_MS);
    return program;
  }

  #credentials(folder: string, side: Side): Record<string, string> {
    const { authority } = this.#bench;
    const { chainPem, keyPem } = createLeaf(authority, `${side}.bench`);
    return {
      CERTIFICATE: this.#bench.file(folder, 'certificate.pem', chainPem + keyPem, PROXY_UID),
      ANCHORS: this.#bench.file(folder, 'anchors.pem', authority.anchorsPem, PROXY_UID),
      SERVER_NAME: 'server.bench',
    };
  }
}

/** The part of a file's name that says what it is for. */
function kindOf({ shape, carried = 'http1' }: DeployOptions, side: Side): string {
  if (carried !== 'http1') return carried === 'bytes' ? 'tcp' : 'http2';
  return shape === 'pair' ? side : 'hop';
}

/** As one word, and in its parts. */
function endpoint(name: string, address: string): Record<string, string> {
  const colon = address.lastIndexOf(':');
  return { [name]: address, [`${name}_IP`]: address.slice(0, colon), [`${name}_PORT`]: address.slice(colon + 1) };
}

function addresses(site: Site, side: Side, shape: Shape): { listen: string; upstream: string } {
  const app = (pod: Pod) => `${pod.ip}:${APP_PORT}`;
  const mesh = `${site.server.ip}:${PROXY_PORTS.inboundMesh}`;
  if (side === 'client' && shape === 'outbound')
    return { listen: site.outboundListen('plain'), upstream: app(site.plain) };
  if (side === 'client') return { listen: site.outboundListen('meshed'), upstream: mesh };
  return { listen: shape === 'inbound' ? site.inboundListen : mesh, upstream: app(site.server) };
}
