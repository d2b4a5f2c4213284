/**
 * Addresses of the embedded mode. Pods and Services have the addresses that the API server knows them by; on this machine each is served
 * on a loopback address of its own, and the proxies translate (WEFT_PROXY_LOCAL_NETWORK). Everything is bound to 127.0.0.0/8.
 *
 *   pod number n             10.244.0.n      → 127.77.0.n       its application and its proxy's inbound ports
 *   Service s as pod n sees it               → 127.<100+n>.0.s  a listener of pod n's proxy, port + 20000 (no privileged port)
 */
export const MAX_PODS = 120;
const MAX_SERVICES = 250;
const PORT_OFFSET = 20_000;
const MAX_SERVICE_PORT = 40_000;

export interface LocalService {
  namespace: string;
  name: string;
  clusterIP: string;
  ports: number[];
}

export interface LocalNetwork {
  outbound: { listen: string; destination: string }[];
  addresses: Record<string, string>;
}

export function podAddress(pod: number): string {
  return `10.244.0.${pod}`;
}

export function loopbackAddress(pod: number): string {
  return `127.77.0.${pod}`;
}

function listenerAddress(pod: number, service: number): string {
  return `127.${100 + pod}.0.${service + 1}`;
}

/** The file for the proxy of pod `pod`: one listener per Service port, and the translation of every pod's address. */
export function localNetwork(pod: number, services: readonly LocalService[]): LocalNetwork {
  const reachable = services.slice(0, MAX_SERVICES);
  const outbound = reachable.flatMap((service, index) =>
    service.ports
      .filter((port) => port <= MAX_SERVICE_PORT)
      .map((port) => ({
        listen: `${listenerAddress(pod, index)}:${port + PORT_OFFSET}`,
        destination: `${service.clusterIP}:${port}`,
      })),
  );
  const pods = Array.from({ length: MAX_PODS }, (_, index) => index + 1);
  return { outbound, addresses: Object.fromEntries(pods.map((n) => [podAddress(n), loopbackAddress(n)])) };
}

const CLUSTER_ADDRESS = /(http:\/\/)?\b([a-z0-9-]+)\.([a-z0-9-]+)\.svc\.cluster\.local(?::(\d+))?/g;

/**
 * Replaces `http://<service>.<namespace>.svc.cluster.local[:port]`, and the same without a scheme but with a port, by the listener of pod `pod` for that Service:
 * without a cluster there is no DNS and no redirection. A Service that is not in the list is left as it is, and so is a name alone.
 */
export function rewriteUrls(text: string, pod: number, services: readonly LocalService[]): string {
  return text.replace(
    CLUSTER_ADDRESS,
    (whole, scheme: string | undefined, name: string, namespace: string, port?: string) => {
      const index = services.findIndex((service) => service.name === name && service.namespace === namespace);
      if (index < 0 || (scheme === undefined && port === undefined)) return whole;
      return `${scheme ?? ''}${listenerAddress(pod, index)}:${Number(port ?? 80) + PORT_OFFSET}`;
    },
  );
}
