/** The ports of one proxy: nobody else's traffic is carried to them. */
export interface ProxyPorts {
  readonly outbound: number;
  readonly inboundMesh: number;
  readonly inboundPlain: number;
  /** What the control plane asks of one proxy (`control/messages.ts`); reached without the proxy, as `admin` is. */
  readonly tap: number;
  readonly admin: number;
}

/** Where no annotation has moved them (ARCHITECTURE.md has the same table, with the operator's). */
export const PROXY_PORTS = {
  outbound: 4140,
  inboundMesh: 4143,
  inboundPlain: 4144,
  tap: 4190,
  admin: 4191,
} as const satisfies ProxyPorts;

export const OPERATOR_PORTS = { webhooks: 8443, config: 8086, identity: 8080, viz: 8089, admin: 9990 } as const;

/** User id of the proxy; its own traffic escapes redirection by it (Linkerd: `proxyUID`). */
export const PROXY_UID = 2102;

/** Server-speaks-first protocols that detection would stall (Linkerd chart: `proxy.opaquePorts`). */
export const DEFAULT_OPAQUE_PORTS = '25,587,3306,4444,5432,6379,9300,11211';
/** Galera replication is bypassed altogether (Linkerd chart: `proxyInit.ignore*Ports`). */
export const DEFAULT_SKIP_PORTS = '4567,4568';
