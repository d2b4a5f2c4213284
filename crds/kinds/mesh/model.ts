import type { AccessPolicy } from '../../../proxy-image/contract/access-policy.ts';
import type { Balancer } from '../../../proxy-image/contract/policy/balancer.ts';
import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const MESH = kindName<MeshModel>('weft.dev', 'Mesh', ['v1alpha1']);

/** `Mesh` with every default filled in; without a Mesh object the defaults stand (`parse.ts` exports them). */
export interface MeshModel {
  meta: ObjectMeta | null;
  clusterDomain: string;
  clusterNetworks: string[];
  identity: {
    suffix: string;
    issuer: { type: 'Managed' } | { type: 'Secret'; name: string };
    /** ConfigMap of the control plane's namespace that others keep, and its key; `null`: the issuer's Secret names the anchors. */
    trustAnchors: { name: string; key: string } | null;
    certificateLifetimeMs: number;
    anchorLifetimeMs: number;
    issuerLifetimeMs: number;
    /** Another value asks for one rotation, an empty one for none. */
    rotation: { anchor: string; issuer: string; leaf: string };
    /** Refuse outbound destinations that are not known in time, instead of splicing them through without TLS. */
    required: boolean;
  };
  configurationSource: 'operator' | 'kubernetes';
  proxy: {
    image: string;
    imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
    resources: { cpuRequest: string; cpuLimit: string; memoryRequest: string; memoryLimit: string };
    logLevel: string;
    defaultInboundPolicy: AccessPolicy;
    opaquePorts: string;
    skipInboundPorts: string;
    skipOutboundPorts: string;
    skipSubnets: string;
    detectTimeoutMs: number;
    maxHeadBytes: number;
    nativeSidecar: boolean;
    accessLog: '' | 'apache' | 'json';
    balancer: Extract<Balancer, { type: 'ewma' | 'roundRobin' }>;
  };
  injection: { failurePolicy: 'Ignore' | 'Fail' };
  validation: { failurePolicy: 'Ignore' | 'Fail' };
  /** Names of header fields, in lower case, whose values are not shown to who taps, beside those that never are; `null`: nobody taps. */
  tap: { redactHeaders: string[] | null };
}
