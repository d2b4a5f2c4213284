import type { ProxyPorts } from '../../contract/ports.ts';

/** What the redirection depends on; everything else about it is fixed. */
export interface RedirectOptions {
  /** `inboundMesh`, `tap` and `admin` are reached directly, and are never redirected. */
  ports: ProxyPorts;
  /** Traffic of this user id is not redirected: it is the proxy's own. Never 0: that would exempt every process of root. */
  uid: number;
  /** Inclusive ranges. */
  skipInboundPorts: readonly (readonly [first: number, last: number])[];
  skipOutboundPorts: readonly (readonly [first: number, last: number])[];
  /** CIDRs of *source* addresses; they concern inbound traffic only (Linkerd: `config.linkerd.io/skip-subnets`). */
  skipSubnets: readonly string[];
}

/** `inet` is one table for both families (Linux 5.2 and later); older kernels have a nat table per family. */
export type TableFamily = 'inet' | 'ip' | 'ip6';
