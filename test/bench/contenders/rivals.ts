import { join } from 'node:path';
import { PROXY_PORTS, PROXY_UID } from '../../../proxy-image/contract/ports.ts';
import { createLeaf } from '../../support/certificates.ts';
import type { Bench } from '../bench.ts';
import type { Program } from '../host/programs.ts';
import { APP_PORT, type Pod, type Site } from '../host/site.ts';
import type { Contender } from '../options.ts';
import { type Deployer, type Deployment, type DeployOptions, listens, type Shape } from './deployment.ts';
import { otherRoutes } from './haproxy-routes.ts';
import { fillTemplate } from './templates.ts';

const READY_MS = 5_000;
/** What Bun's TLS library prefers on processors with AES instructions; OpenSSL would take the dearer AES-256. */
const CIPHER = 'TLS_AES_128_GCM_SHA256';

/** How one rival is started with a file, and how its files are called. */
interface Dialect {
  suffix: string;
  argv(file: string): string[];
}

const DIALECTS: Readonly<Record<Exclude<Contender, 'weft'>, Dialect>> = {
  haproxy: { suffix: 'cfg', argv: (file) => ['haproxy', '-db', '-f', file] },
  nginx: { suffix: 'conf', argv: (file) => ['nginx', '-c', file] },
};

type Side = 'client' | 'server';

/** HAProxy or nginx from the files in `test/bench/rivals`. */
export class RivalDeployer implements Deployer {
  readonly name: Exclude<Contender, 'weft'>;
  readonly #bench: Bench;

  constructor(bench: Bench, name: Exclude<Contender, 'weft'>) {
    this.#bench = bench;
    this.name = name;
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
    const { argv, suffix } = DIALECTS[this.name];
    const folder = this.#bench.folder(`${this.name}-${side}`, PROXY_UID);
    const template = `${this.name}-${options.shape === 'pair' ? side : 'hop'}.${suffix}`;
    const { listen, upstream } = addresses(site, side, options.shape);
    const values = {
      LISTEN: listen,
      UPSTREAM: upstream,
      DIRECTORY: folder,
      CIPHER,
      ...this.#credentials(folder, side),
    };
    const routes = this.name === 'haproxy' ? otherRoutes(options.otherRoutes ?? 0) : '';
    const text = fillTemplate(template, values).replace('    default_backend', `${routes}    default_backend`);
    const file = this.#bench.file(folder, template, text, PROXY_UID);
    const program = this.#bench.programs.start(`${this.name} (${side})`, {
      argv: argv(file),
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

function addresses(site: Site, side: Side, shape: Shape): { listen: string; upstream: string } {
  const app = (pod: Pod) => `${pod.ip}:${APP_PORT}`;
  const mesh = `${site.server.ip}:${PROXY_PORTS.inboundMesh}`;
  if (side === 'client' && shape === 'outbound')
    return { listen: site.outboundListen('plain'), upstream: app(site.plain) };
  if (side === 'client') return { listen: site.outboundListen('meshed'), upstream: mesh };
  return { listen: shape === 'inbound' ? site.inboundListen : mesh, upstream: app(site.server) };
}
