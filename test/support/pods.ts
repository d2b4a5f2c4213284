import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import { DEFAULT_MESH } from '../../crds/kinds/mesh/parse.ts';
import type { Container, Volume } from '../../webhooks/inject/kubernetes.ts';
import { type Injection, type InjectionInput, inject } from '../../webhooks/inject/patch.ts';
import { applyPatch } from './json-patch.ts';

/** The parts of a Pod that tests look at. */
export interface PodView {
  metadata: { annotations: Record<string, string>; labels: Record<string, string> };
  spec: { containers: Container[]; initContainers: Container[]; volumes: Volume[] };
}

export interface PodFields {
  metadata?: Record<string, unknown>;
  spec?: Record<string, unknown>;
}

export const PROXY_IMAGE = 'localhost/weft-proxy:v1.2.3';
export const ANCHORS = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

/** A pod as a ReplicaSet creates it: no name yet, one container with two ports. */
export function webPod({ metadata = {}, spec = {} }: PodFields = {}): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'web-7d4b9-',
      namespace: 'shop',
      labels: { app: 'web', 'pod-template-hash': '7d4b9' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7d4b9', uid: 'u', controller: true }],
      ...metadata,
    },
    spec: {
      serviceAccountName: 'web',
      containers: [
        {
          name: 'app',
          image: 'example/web:1',
          ports: [{ name: 'http', containerPort: 8080 }, { containerPort: 3306 }],
        },
      ],
      ...spec,
    },
  };
}

export function meshWith(proxy: Partial<MeshModel['proxy']>, rest: Partial<MeshModel> = {}): MeshModel {
  return { ...DEFAULT_MESH, ...rest, proxy: { ...DEFAULT_MESH.proxy, ...proxy } };
}

export function injectionInput(changes: Partial<InjectionInput> = {}): InjectionInput {
  return {
    pod: webPod(),
    namespace: 'shop',
    namespaceAnnotations: { 'linkerd.io/inject': 'enabled' },
    namespaceLabels: {},
    demands: [],
    mesh: DEFAULT_MESH,
    trustAnchorsPem: ANCHORS,
    defaultImage: PROXY_IMAGE,
    version: 'v1.2.3',
    ...changes,
  };
}

export interface Injected extends Injection {
  pod: PodView;
  init: Container;
  proxy: Container;
}

/** Injects, applies the patch, and finds the two containers. */
export function injected(changes: Partial<InjectionInput> = {}): Injected {
  const input = injectionInput(changes);
  const injection = inject(input);
  const pod = applyPatch(input.pod, injection.patch) as PodView;
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const named = (name: string) => all.find((container) => container.name === name)!;
  return { ...injection, pod, init: named('linkerd-init'), proxy: named('linkerd-proxy') };
}

/** With annotations on the pod. */
export function injectedWith(annotations: Record<string, string>, changes: Partial<InjectionInput> = {}): Injected {
  return injected({ pod: webPod({ metadata: { annotations } }), ...changes });
}

/** Value of a `WEFT_PROXY_*` variable. */
export function variable(container: Container, name: string): string | undefined {
  const found = container.env.find((entry) => entry.name === `WEFT_PROXY_${name}`);
  if (found === undefined) return undefined;
  return 'value' in found ? found.value : `<${found.valueFrom.fieldRef.fieldPath}>`;
}

/** What the kubelet would put into the container's environment. */
export function environmentOf(container: Container): Record<string, string> {
  const downward: Record<string, string> = {
    'metadata.name': 'web-7d4b9-x2x',
    'metadata.namespace': 'shop',
    'status.podIPs': '10.1.2.3,fd00::3',
    'spec.nodeName': 'node-1',
  };
  return Object.fromEntries(
    container.env.map((entry) => [
      entry.name,
      'value' in entry ? entry.value : (downward[entry.valueFrom.fieldRef.fieldPath] ?? ''),
    ]),
  );
}
