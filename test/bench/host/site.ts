import { spawnSync } from 'node:child_process';
import { PROXY_PORTS, PROXY_UID } from '../../../proxy-image/contract/ports.ts';
import { applyRedirect, type Host } from '../../../proxy-image/io/init/apply.ts';
import type { NetworkKind } from '../options.ts';
import { HERE, type Place, type Program, type Programs } from './programs.ts';

export const APP_PORT = 8080;
/** Neither root nor the proxy: its traffic is redirected. */
export const APP_UID = 65_534;

/** A pod: `ip` is where this machine serves it, `clusterIp` what the control plane calls it. */
export interface Pod extends Place {
  ip: string;
  clusterIp: string;
  /** Address of this process (the control plane) as seen from the pod, and of the pod as seen from here. */
  controlHost: string;
  reachableAt: string;
}

/** Service addresses that the load calls; the backend is meshed or is not. */
export const VIPS = { meshed: '10.96.0.10', plain: '10.96.0.11' } as const;
export type Target = keyof typeof VIPS;
export const VIP_PORT = 80;

/**
 * Three pods of one contender: `client` calls `server` (which has a proxy) and `plain` (which has none). Each contender has a site of its
 * own, so that all run at the same time on the same ports and rounds can be interleaved.
 */
export interface Site {
  readonly kind: NetworkKind;
  readonly client: Pod;
  readonly server: Pod;
  readonly plain: Pod;
  /** `ip:port` where the client's outbound proxy accepts what goes to `target`. */
  outboundListen(target: Target): string;
  /** What a client in the pod `client` calls. */
  url(target: Target): string;
  /** `ip:port` where the proxy of `server` accepts redirected plaintext. */
  readonly inboundListen: string;
  /** The applications of `server` and `plain` without any proxy between, on a site that is not redirected. */
  readonly appUrl: string;
  readonly plainAppUrl: string;
  /** What an unmeshed client calls to reach the pod `server` itself. */
  readonly inboundUrl: string;
  close(): Promise<void>;
}

/** Pods as processes on loopback addresses, explicit ports instead of redirection: for those who are not root. */
export function loopbackSite(index: number): Site {
  const pod = (n: number, clusterIp: string): Pod => ({
    ...HERE,
    ip: `127.78.${index}.${n}`,
    clusterIp,
    controlHost: '127.0.0.1',
    reachableAt: `127.78.${index}.${n}`,
  });
  const client = pod(2, '10.77.1.2');
  const server = pod(3, '10.77.1.3');
  const plain = pod(4, '10.77.2.3');
  const ports = { meshed: PROXY_PORTS.outbound, plain: PROXY_PORTS.outbound + 1 };
  return {
    kind: 'loopback',
    client,
    server,
    plain,
    outboundListen: (target) => `${client.ip}:${ports[target]}`,
    url: (target) => `http://${client.ip}:${ports[target]}`,
    inboundListen: `${server.ip}:${PROXY_PORTS.inboundPlain}`,
    appUrl: `http://${server.ip}:${APP_PORT}`,
    plainAppUrl: `http://${plain.ip}:${APP_PORT}`,
    inboundUrl: `http://${server.ip}:${PROXY_PORTS.inboundPlain}`,
    close: async () => {},
  };
}

/**
 * Pods as network namespaces joined by veth pairs. `redirected`: with the redirection of a real pod. They end with this process: each is
 * held by a program that reads a pipe of ours.
 */
export async function namespaceSite(
  index: number,
  programs: Programs,
  redirected: boolean,
  log: string,
): Promise<Site> {
  const holders: Program[] = [];
  const pod = async (ip: string, n: number): Promise<Pod> => {
    const holder = programs.start(`namespace ${index}.${n}`, { argv: ['unshare', '--net', 'sleep', 'infinity'], log });
    holders.push(holder);
    await holder.waitUntil(async () => hasOwnNetwork(holder.pid), 5_000);
    const subnet = 4 * (16 * index + n);
    const [control, own] = [1, 2].map((host) => `10.78.${subnet >> 8}.${(subnet & 255) + host}`);
    const name = `bench${index}-${n}`;
    ip4(
      [
        `link add name ${name} type veth peer name control netns ${holder.pid}`,
        `addr add ${control}/30 dev ${name}`,
        `link set ${name} up`,
      ],
      HERE,
    );
    const place = { networkOf: holder.pid };
    ip4(['link set lo up', `addr add ${own}/30 dev control`, 'link set control up'], place);
    return { ...place, ip, clusterIp: ip, controlHost: control!, reachableAt: own! };
  };
  const client = await pod('10.77.1.2', 0);
  const server = await pod('10.77.1.3', 1);
  const plain = await pod('10.77.2.3', 2);
  joinPods(client, server, 'eth0');
  joinPods({ ...client, ip: '10.77.2.2' }, plain, 'eth1');
  // Service addresses lead nowhere: redirection takes them before they leave.
  ip4([`route add default via ${server.ip}`], client);
  if (redirected) for (const place of [client, server]) redirect(place);
  const outbound = `127.0.0.1:${PROXY_PORTS.outbound}`;
  return {
    kind: 'namespaces',
    client,
    server,
    plain,
    outboundListen: () => outbound,
    url: (target) =>
      redirected ? `http://${VIPS[target]}` : `http://${(target === 'plain' ? plain : server).ip}:${APP_PORT}`,
    inboundListen: `${server.ip}:${PROXY_PORTS.inboundPlain}`,
    appUrl: `http://${server.ip}:${APP_PORT}`,
    plainAppUrl: `http://${plain.ip}:${APP_PORT}`,
    inboundUrl: `http://${server.ip}:${APP_PORT}`,
    close: async () => {
      for (const holder of holders) await holder.stop();
    },
  };
}

async function hasOwnNetwork(pid: number): Promise<boolean> {
  const [own, other] = ['self', pid].map(
    (of) => spawnSync('readlink', [`/proc/${of}/ns/net`], { encoding: 'utf8' }).stdout,
  );
  return other !== '' && own !== other;
}

function joinPods(a: Pod, b: Pod, device: string): void {
  ip4(
    [
      `link add name ${device} type veth peer name ${device} netns ${b.networkOf}`,
      `addr add ${a.ip}/24 dev ${device}`,
      `link set ${device} up`,
    ],
    a,
  );
  ip4([`addr add ${b.ip}/24 dev ${device}`, `link set ${device} up`], b);
}

function ip4(commands: readonly string[], place: Place): void {
  execute(place, ['ip', '-batch', '-'], `${commands.join('\n')}\n`);
}

/** The very table that `linkerd-init` loads in a pod. */
function redirect(place: Place): void {
  const host: Host = {
    hasIpv6: true,
    runNft(rules) {
      execute(place, ['nft', '-f', '-'], rules);
      return { ok: true, problem: '' };
    },
  };
  applyRedirect(
    { ports: PROXY_PORTS, uid: PROXY_UID, skipInboundPorts: [], skipOutboundPorts: [], skipSubnets: [] },
    host,
  );
}

function execute(place: Place, argv: readonly string[], input: string): void {
  const enter = place.networkOf === null ? [] : ['nsenter', '-t', String(place.networkOf), '-n', '--'];
  const [command, ...args] = [...enter, ...argv];
  const done = spawnSync(command!, args, { input, encoding: 'utf8', timeout: 10_000 });
  if (done.status !== 0) throw new Error(`${argv.join(' ')}: ${done.error?.message ?? done.stderr}\n${input}`);
}
