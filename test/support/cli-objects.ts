import type { KubeObject } from './cli-cluster.ts';
import { injected } from './pods.ts';

type Labels = Record<string, string>;

const running = (ip: string) => ({ phase: 'Running', podIP: ip, podIPs: [{ ip }] });

export function plainPod(name: string, labels: Labels, namespace = 'shop', ip = '10.244.0.10'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: '1', labels },
    spec: {
      serviceAccountName: 'web',
      containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 8080 }] }],
    },
    status: running(ip),
  };
}

interface PodFields {
  ip?: string;
  namespace?: string;
  annotations?: Record<string, string>;
}

/** As the webhook makes it; ServiceAccount `web`. */
export function meshedPod(name: string, labels: Labels, fields: PodFields = {}): KubeObject {
  const { ip = '10.244.0.10', namespace = 'shop', annotations = {} } = fields;
  const plain = plainPod(name, labels, namespace);
  const { pod } = injected({ pod: { ...plain, metadata: { ...plain.metadata, annotations } }, namespace });
  return { ...(pod as unknown as KubeObject), status: running(ip) };
}

export function service(name: string, clusterIP: string, ports: { name?: string; port: number }[]): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, resourceVersion: '1' },
    spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports, selector: { app: name } },
  };
}

interface SliceEndpoint {
  address: string;
  pod: string;
  zone?: string;
  ready?: boolean;
}

export function slice(of: string, port: { name: string; port: number }, endpoints: SliceEndpoint[]): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${of}-${port.name}`,
      namespace: 'shop',
      uid: `uid-${of}-${port.name}`,
      resourceVersion: '1',
      labels: { 'kubernetes.io/service-name': of },
    },
    addressType: 'IPv4',
    ports: [{ protocol: 'TCP', ...port }],
    endpoints: endpoints.map(({ address, pod, zone, ready = true }) => ({
      addresses: [address],
      conditions: { ready, serving: ready },
      targetRef: { kind: 'Pod', namespace: 'shop', name: pod },
      ...(zone === undefined ? {} : { zone }),
    })),
  };
}

export function deployment(name: string, namespace = 'shop'): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: '1' },
    spec: { selector: { matchLabels: { app: name } } },
  };
}
