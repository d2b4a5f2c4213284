import { serviceAccountIdentity } from '../../proxy-image/contract/names.ts';
import type { Role } from './proxies/protocol.ts';
import type { Size } from './size.ts';

const SUFFIX = 'linkerd.cluster.local';
const PORT = 80;
const TARGET_PORT = 8080;
/** Of the services of one proxy: no two proxies have the same, and each service has as many subscribers as any other. */
const STEP = 137;
const TURN = 29;

export interface SimulatedPod {
  namespace: string;
  name: string;
  /** Number of its Service, whose ServiceAccount it has. */
  service: number;
  /** Numbers of the Services that it calls. */
  calls: readonly number[];
}

/** Names and addresses of everything in the cluster, by number. */
export class Fleet {
  readonly size: Size;

  constructor(size: Size) {
    this.size = size;
  }

  serviceName(at: number): string {
    return `svc-${at}`;
  }

  namespaceName(number: number): string {
    return `team-${number % this.size.namespaces}`;
  }

  namespaceOf(service: number): string {
    return this.namespaceName(service);
  }

  fqdn(service: number): string {
    return `${this.serviceName(service)}.${this.namespaceOf(service)}.svc.cluster.local`;
  }

  clusterIp(service: number): string {
    return `10.96.${16 + Math.floor(service / 250)}.${1 + (service % 250)}`;
  }

  podName(service: number, endpoint: number): string {
    return `${this.serviceName(service)}-6d4cf56db6-${endpoint}`;
  }

  podIp(service: number, endpoint: number): string {
    const number = service * this.size.endpointsPerService + endpoint;
    return `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  }

  identityOf(service: number): string {
    return serviceAccountIdentity(this.serviceName(service), this.namespaceOf(service), SUFFIX);
  }

  serviceKey(service: number): string {
    return `service/${this.clusterIp(service)}:${PORT}`;
  }

  endpointsKey(service: number): string {
    return `endpoints/${this.namespaceOf(service)}/${this.serviceName(service)}:${PORT}/ipv4`;
  }

  workloadKey({ namespace, name }: SimulatedPod): string {
    return `workload/${namespace}/${name}`;
  }

  proxy(at: number): SimulatedPod {
    const { services, servicesPerProxy } = this.size;
    const service = at % services;
    const calls = Array.from(
      { length: servicesPerProxy },
      (_, each) => (at + each * STEP + Math.floor(at / services) * TURN) % services,
    );
    return {
      namespace: this.namespaceOf(service),
      name: this.podName(service, Math.floor(at / services)),
      service,
      calls: [...new Set(calls)],
    };
  }

  /** Of the proxy with this number, which connects to one of so many replicas first. */
  role(at: number, replicas: number): Role {
    const { namespace, name: pod, service: leaf, calls } = this.proxy(at);
    return { at, namespace, pod, leaf, keys: calls.map((each) => this.serviceKey(each)), replica: at % replicas };
  }

  /** The Service that takes a share of what is meant for `service` by its TrafficSplit; `null`: it has none. */
  canaryOf(service: number): number | null {
    return service < this.size.splits ? service + Math.floor(this.size.services / 2) : null;
  }

  /**
   * Namespaces with a ServiceProfile for it: its own and some of clients, for whom that one holds. Where a Service has an HTTPRoute, in whose place a profile comes,
   * those of clients only.
   */
  profileNamespaces(service: number): string[] {
    const { services, profiles } = this.size;
    const count = Math.floor(profiles / services) + (service < profiles % services ? 1 : 0);
    const first = service + (service < this.routed(0) ? 0 : 1);
    return Array.from({ length: count }, (_, view) => this.namespaceName(first + view));
  }

  /** Number of the Service whose HTTPRoute it is. */
  routed(route: number): number {
    return Math.floor(this.size.services / 2) + route;
  }

  get servers(): number {
    return Math.floor(this.size.authorizations / 2);
  }

  get port(): number {
    return PORT;
  }

  get targetPort(): number {
    return TARGET_PORT;
  }
}
