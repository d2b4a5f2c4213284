import { chmodSync, mkdirSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { ENVIRONMENT, type VariableName } from '../../../../proxy-image/contract/environment.ts';
import { DEFAULT_IDENTITY_SUFFIX, serviceAccountIdentity } from '../../../../proxy-image/contract/names.ts';
import { PROXY_PORTS, PROXY_UID } from '../../../../proxy-image/contract/ports.ts';
import type { LocalNetworkFile } from '../../../../proxy-image/io/transport/types.ts';
import type { Bench } from '../../bench.ts';
import { BEFORE, OURS } from '../../figures.ts';
import type { Program } from '../../host/programs.ts';
import { type Pod, type Site, type Target, VIP_PORT, VIPS } from '../../host/site.ts';
import type { Deployer, Deployment, DeployOptions } from '../deployment.ts';
import { ROUTES_PER_SERVICE } from '../other-services.ts';
import {
  type Backing,
  loadRoute,
  NAMESPACE,
  namespaceObject,
  otherServices,
  otherVip,
  podObject,
  policyObjects,
  profileObject,
  type RawObject,
  serviceObjects,
} from './cluster-objects.ts';
import { CONTROL_IDENTITY, ControlPlane } from './control-plane.ts';
import { makeShipped, type Shipped, unpackCommit, withProfile } from './shipped.ts';
import { verifyInbound, verifyOutbound } from './verify.ts';

const READY_MS = 15_000;

/** Our proxy as it is shipped, configured over its stream. */
export class WeftDeployer implements Deployer {
  readonly name: string;
  readonly #bench: Bench;
  readonly #profiled: boolean;
  readonly #commit: string;
  #shipped: Shipped | null = null;

  /**
   * @param profiled each proxy leaves a CPU profile in its folder when it ends; the bundle keeps its names
   * @param commit the proxy as it was there, configured by today's control plane; without it, the proxy of this tree
   */
  constructor(bench: Bench, { profiled = false, commit = '' } = {}) {
    this.name = commit === '' ? OURS : BEFORE;
    this.#bench = bench;
    this.#profiled = profiled;
    this.#commit = commit;
  }

  get shipped(): Shipped {
    if (this.#shipped === null) {
      const directory = join(this.#bench.directory, `image-${this.name}`);
      mkdirSync(directory);
      chmodSync(directory, 0o755);
      const root = this.#commit === '' ? undefined : unpackCommit(this.#commit, `${directory}-sources`);
      this.#shipped = makeShipped(directory, root, this.#profiled);
    }
    return this.#shipped;
  }

  async deploy(site: Site, options: DeployOptions): Promise<Deployment> {
    const { shape, carried = 'http1', calledRoutes = 'few', cgroups, otherRoutes = 0 } = options;
    const control = new ControlPlane(this.#bench.authority);
    // In a network namespace of its own; every pod reaches it on another address.
    await control.listen(site.kind === 'namespaces' ? '0.0.0.0' : '127.0.0.1');
    control.apply(clusterOf(site, options));
    const start = (name: 'client' | 'server') => this.#startProxy(site, name, control, cgroups?.[name], otherRoutes);
    const client = shape === 'inbound' ? null : await start('client');
    const server = shape === 'outbound' ? null : await start('server');
    return {
      client,
      server,
      url: shape === 'inbound' ? site.inboundUrl : site.url(shape === 'outbound' ? 'plain' : 'meshed'),
      asProxyUser: shape === 'inbound',
      verify: async () => {
        const route = loadRoute(calledRoutes);
        if (client !== null) await verifyOutbound(site.client, { shape, carried, route });
        if (server !== null) await verifyInbound(site.server, { shape, route });
      },
      stop: async () => {
        await client?.stop();
        await server?.stop();
        await control.close();
      },
    };
  }

  async #startProxy(
    site: Site,
    name: 'client' | 'server',
    control: ControlPlane,
    cgroup: string | undefined,
    otherRoutes: number,
  ): Promise<Program> {
    const pod = site[name];
    const folder = this.#bench.folder(`weft-${name}`, PROXY_UID);
    const variables: Partial<Record<VariableName, string>> = {
      podName: name,
      podNamespace: NAMESPACE,
      podIps: pod.clusterIp,
      nodeName: 'bench',
      logLevel: 'warn',
      controlHost: pod.controlHost,
      configPort: String(control.configPort),
      identityPort: String(control.identityPort),
      controlIdentity: CONTROL_IDENTITY,
      identityName: serviceAccountIdentity(name, NAMESPACE, DEFAULT_IDENTITY_SUFFIX),
      identityDir: this.#bench.folder(`weft-${name}-identity`, PROXY_UID),
      tokenFile: this.#bench.file(folder, 'token', control.token(name), PROXY_UID),
      trustAnchors: this.#bench.authority.anchorsPem,
      ...(site.kind === 'loopback' ? this.#withoutRedirection(site, name, folder, otherRoutes) : {}),
    };
    const entries = Object.entries(variables).map(([key, value]) => [ENVIRONMENT[key as VariableName].name, value]);
    const program = this.#bench.programs.start(`weft (${name})`, {
      argv: this.#profiled ? withProfile(this.shipped.argv, this.#profilePath(name)) : this.shipped.argv,
      place: pod,
      uid: PROXY_UID,
      env: { ...this.shipped.env, ...Object.fromEntries(entries) },
      log: join(folder, 'log'),
      cgroup,
    });
    await program.waitUntil(() => isReady(pod), READY_MS);
    return program;
  }

  /** Of the proxy `name` that was started last; written when it has ended. */
  readonly profiles: Partial<Record<'client' | 'server', string>> = {};

  #profilePath(name: 'client' | 'server'): string {
    const path = join(this.#bench.folder(`weft-${name}-profile`, PROXY_UID), 'proxy.cpuprofile');
    this.profiles[name] = path;
    return path;
  }

  #withoutRedirection(
    site: Site,
    name: 'client' | 'server',
    folder: string,
    otherRoutes: number,
  ): Partial<Record<VariableName, string>> {
    const pod = site[name];
    const targets: readonly Target[] = name === 'client' ? ['meshed', 'plain'] : [];
    const others = name === 'client' ? Math.ceil(otherRoutes / ROUTES_PER_SERVICE) : 0;
    const file: LocalNetworkFile = {
      outbound: [
        ...targets.map((target) => ({
          listen: site.outboundListen(target),
          destination: `${VIPS[target]}:${VIP_PORT}`,
        })),
        ...Array.from({ length: others }, (_, index) => ({
          listen: otherListen(site, index),
          destination: `${otherVip(index)}:${VIP_PORT}`,
        })),
      ],
      addresses: Object.fromEntries([site.client, site.server, site.plain].map(({ clusterIp, ip }) => [clusterIp, ip])),
    };
    return {
      outboundListen: '',
      inboundListen: `${pod.ip}:${PROXY_PORTS.inboundMesh}`,
      inboundPlainListen: `${pod.ip}:${PROXY_PORTS.inboundPlain}`,
      adminListen: `${pod.ip}:${PROXY_PORTS.admin}`,
      localNetwork: this.#bench.file(folder, 'network.json', JSON.stringify(file), PROXY_UID),
    };
  }
}

/** What a client calls to reach a service that exists only to have routes. */
export function otherUrls(site: Site, routes: number): string[] {
  const count = Math.ceil(routes / ROUTES_PER_SERVICE);
  return Array.from({ length: count }, (_, index) =>
    site.kind === 'namespaces' ? `http://${otherVip(index)}/` : `http://${otherListen(site, index)}/`,
  );
}

function otherListen(site: Site, index: number): string {
  return `${site.client.ip}:${20_000 + index}`;
}

function clusterOf(site: Site, { shape, carried, calledRoutes = 'few', otherRoutes = 0 }: DeployOptions): RawObject[] {
  const server: Backing = ['server', site.server];
  const plain: Backing = ['plain', site.plain];
  return [
    namespaceObject(),
    podObject('client', site.client, true),
    podObject(...server, true),
    podObject(...plain, false),
    ...serviceObjects('meshed', VIPS.meshed, server),
    ...serviceObjects('plain', VIPS.plain, plain, carried),
    profileObject('meshed', calledRoutes),
    profileObject('plain', calledRoutes),
    ...policyObjects(),
    ...otherServices(otherRoutes, shape === 'outbound' ? plain : server),
  ];
}

function isReady({ reachableAt }: Pod): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(
      `http://${reachableAt}:${PROXY_PORTS.admin}/ready`,
      { agent: false, timeout: 1_000 },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
  });
}
