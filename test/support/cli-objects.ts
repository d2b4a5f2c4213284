import type { KubeObject } from './cli-cluster.ts';
import { injected } from './pods.ts';

type Labels = Record<string, string>;

const RUNNING = { phase: 'Running', podIP: '10.244.0.10', podIPs: [{ ip: '10.244.0.10' }] };

export function plainPod(name: string, labels: Labels, namespace = 'shop'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: '1', labels },
    spec: {
      serviceAccountName: 'web',
      containers: [{ name: 'app', image: 'app:1', ports: [{ containerPort: 8080 }] }],
    },
    status: RUNNING,
  };
}

/** As the webhook makes it; ServiceAccount `web`. */
export function meshedPod(name: string, labels: Labels, fields: { ip?: string; namespace?: string } = {}): KubeObject {
  const { ip = '10.244.0.10', namespace = 'shop' } = fields;
  const { pod } = injected({ pod: plainPod(name, labels, namespace), namespace });
  return { ...(pod as unknown as KubeObject), status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] } };
}

export function deployment(name: string, namespace = 'shop'): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, uid: `uid-${name}`, resourceVersion: '1' },
    spec: { selector: { matchLabels: { app: name } } },
  };
}
