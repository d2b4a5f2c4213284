/** The parts of core/v1 that injection writes, in the order in which it writes them. */
export type EnvVar = { name: string; value: string } | { name: string; valueFrom: { fieldRef: { fieldPath: string } } };

export interface HttpProbe {
  httpGet: { path: string; port: number };
  initialDelaySeconds?: number;
  periodSeconds?: number;
  timeoutSeconds?: number;
  failureThreshold?: number;
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}

export interface SecurityContext {
  allowPrivilegeEscalation: boolean;
  capabilities: { add?: string[]; drop: string[] };
  privileged: boolean;
  readOnlyRootFilesystem: boolean;
  runAsGroup?: number;
  runAsNonRoot: boolean;
  runAsUser: number;
  seccompProfile: { type: 'RuntimeDefault' };
}

export interface Container {
  name: string;
  image: string;
  imagePullPolicy: string;
  args: string[];
  env: EnvVar[];
  ports?: { name: string; containerPort: number; protocol: 'TCP' }[];
  resources: { requests?: Record<string, string>; limits?: Record<string, string> };
  lifecycle?: { postStart: { exec: { command: string[] } } };
  startupProbe?: HttpProbe;
  livenessProbe?: HttpProbe;
  readinessProbe?: HttpProbe;
  restartPolicy?: 'Always';
  securityContext: SecurityContext;
  terminationMessagePolicy: 'FallbackToLogsOnError';
  volumeMounts?: VolumeMount[];
}

export type Projection =
  | { serviceAccountToken: { path: string; expirationSeconds: number; audience?: string } }
  | { configMap: { name: string; items: { key: string; path: string }[] } }
  | { downwardAPI: { items: { path: string; fieldRef: { fieldPath: string } }[] } };

export type Volume =
  | { name: string; emptyDir: { medium: 'Memory'; sizeLimit: string } }
  | { name: string; projected: { sources: Projection[] } };
