import {
  DEFAULT_CLUSTER_NETWORKS,
  DEFAULT_INBOUND_POLICY,
  UNREADABLE_POLICY,
} from '../../../proxy-image/contract/access-policy.ts';
import { HEAD_BYTES } from '../../../proxy-image/contract/head-bytes.ts';
import { DEFAULT_CLUSTER_DOMAIN, DEFAULT_IDENTITY_SUFFIX } from '../../../proxy-image/contract/names.ts';
import { DEFAULT_OPAQUE_PORTS, DEFAULT_SKIP_PORTS } from '../../../proxy-image/contract/ports.ts';
import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { child } from '../../parse/metadata.ts';
import { parseStrictly, type Source } from '../../parse/resource.ts';
import { formatCidr, parseCidr } from '../../scalars/cidr.ts';
import { isDnsSubdomain } from '../../scalars/name.ts';
import { quote } from '../../scalars/scalar.ts';
import type { Parsed } from '../../types/problem.ts';
import { parseMeshIdentity } from './identity.ts';
import { MESH, type MeshModel } from './model.ts';
import { parseMeshProxy } from './proxy.ts';
import { parseMeshTap } from './tap.ts';

/** The only name that counts; there is one mesh per cluster. */
export const MESH_NAME = 'default';

const DAY_MS = 24 * 3_600_000;

/** What holds without a Mesh object. `crds/kinds/mesh/manifest.yaml` shows the same defaults to `kubectl explain`; a test compares them. */
export const DEFAULT_MESH: MeshModel = {
  meta: null,
  clusterDomain: DEFAULT_CLUSTER_DOMAIN,
  clusterNetworks: [...DEFAULT_CLUSTER_NETWORKS],
  identity: {
    suffix: DEFAULT_IDENTITY_SUFFIX,
    issuer: { type: 'Managed' },
    trustAnchors: null,
    certificateLifetimeMs: DAY_MS,
    anchorLifetimeMs: 3_650 * DAY_MS,
    issuerLifetimeMs: 365 * DAY_MS,
    rotation: { anchor: '', issuer: '', leaf: '' },
    required: false,
  },
  configurationSource: 'operator',
  proxy: {
    // Empty: the image that the operator was installed with.
    image: '',
    imagePullPolicy: 'IfNotPresent',
    resources: { cpuRequest: '', cpuLimit: '', memoryRequest: '', memoryLimit: '' },
    logLevel: 'info',
    defaultInboundPolicy: DEFAULT_INBOUND_POLICY,
    opaquePorts: DEFAULT_OPAQUE_PORTS,
    skipInboundPorts: DEFAULT_SKIP_PORTS,
    skipOutboundPorts: DEFAULT_SKIP_PORTS,
    skipSubnets: '',
    detectTimeoutMs: 10_000,
    maxHeadBytes: HEAD_BYTES.fallback,
    nativeSidecar: true,
    accessLog: '',
    // linkerd2-proxy's peak-EWMA constants.
    balancer: { type: 'ewma', defaultRttMs: 30, decayMs: 10_000 },
  },
  injection: { failurePolicy: 'Ignore' },
  validation: { failurePolicy: 'Ignore' },
  tap: { redactHeaders: [] },
};

const FAILURE_POLICIES = ['Ignore', 'Fail'] as const;
const SOURCES = ['operator', 'kubernetes'] as const;

/** Every absent field gets its value of `DEFAULT_MESH`. */
export function parseMesh(raw: unknown): Parsed<MeshModel> {
  return parseStrictly(raw, MESH, (source) => {
    const model = buildMesh(source);
    return { model, strictest: source.meta.name === MESH_NAME ? strictestOf(model, source.spec) : null };
  });
}

/** The defaults, but for what keeps traffic out, or hides what it says: that holds as far as it can be read, and else denies. */
function strictestOf(model: MeshModel, spec: Fields): MeshModel {
  const written = child(spec.raw('proxy'), 'defaultInboundPolicy');
  const isReadable = written === undefined || written === model.proxy.defaultInboundPolicy;
  return {
    ...DEFAULT_MESH,
    meta: model.meta,
    clusterNetworks: model.clusterNetworks,
    identity: { ...DEFAULT_MESH.identity, required: model.identity.required },
    proxy: {
      ...DEFAULT_MESH.proxy,
      defaultInboundPolicy: isReadable ? model.proxy.defaultInboundPolicy : UNREADABLE_POLICY,
    },
    tap: model.tap,
  };
}

function buildMesh({ meta, spec, problems }: Source): MeshModel {
  if (meta.name !== MESH_NAME) problems.error('metadata.name', `must be ${MESH_NAME}: a cluster has one mesh`);
  spec.closed([
    'clusterDomain',
    'clusterNetworks',
    'identity',
    'configuration',
    'proxy',
    'injection',
    'validation',
    'tap',
  ]);
  return {
    meta,
    clusterDomain: parseDomain(spec),
    clusterNetworks: parseClusterNetworks(spec),
    identity: parseMeshIdentity(spec.object('identity'), DEFAULT_MESH.identity),
    configurationSource: parseSource(spec.object('configuration')),
    proxy: parseMeshProxy(spec.object('proxy'), DEFAULT_MESH.proxy),
    injection: parseFailurePolicy(spec.object('injection'), DEFAULT_MESH.injection),
    validation: parseFailurePolicy(spec.object('validation'), DEFAULT_MESH.validation),
    tap: parseMeshTap(spec, DEFAULT_MESH.tap),
  };
}

function parseDomain(spec: Fields): string {
  const domain = spec.text('clusterDomain') || DEFAULT_MESH.clusterDomain;
  if (!isDnsSubdomain(domain))
    spec.problems.error(spec.at('clusterDomain'), `must be a DNS domain, not ${quote(domain)}`);
  return domain;
}

/** An empty list is taken as written: no address is in the cluster. */
function parseClusterNetworks(spec: Fields): string[] {
  if (!spec.has('clusterNetworks')) return DEFAULT_MESH.clusterNetworks;
  const networks: string[] = [];
  for (const { text, path } of spec.strings('clusterNetworks', LIMITS.clusterNetworks)) {
    const network = spec.accept(parseCidr(text), path, null);
    if (network !== null) networks.push(formatCidr(network));
  }
  return networks;
}

function parseSource(configuration: Fields | null): MeshModel['configurationSource'] {
  if (configuration === null) return DEFAULT_MESH.configurationSource;
  configuration.closed(['source']);
  return configuration.oneOf('source', SOURCES, DEFAULT_MESH.configurationSource);
}

function parseFailurePolicy(fields: Fields | null, fallback: MeshModel['injection']): MeshModel['injection'] {
  if (fields === null) return fallback;
  fields.closed(['failurePolicy']);
  return { failurePolicy: fields.oneOf('failurePolicy', FAILURE_POLICIES, fallback.failurePolicy) };
}
