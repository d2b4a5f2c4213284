import { INIT_CONTAINER, PROXY_CONTAINER, PROXY_PORT_NAMES } from '../../proxy-image/contract/names.ts';
import { initEnvironment, proxyEnvironment, type Surroundings } from './environment.ts';
import type { Container, HttpProbe, SecurityContext } from './kubernetes.ts';
import type { ProxySettings } from './settings.ts';
import { INIT_MOUNTS, proxyMounts } from './volumes.ts';

/** ENTRYPOINT of the image: containers only choose the verb, a lifecycle hook has to name the program. */
export const ENTRYPOINT: readonly string[] = ['/usr/local/bin/bun', '--smol', '/weft/proxy.js'];

/** Two minutes, as long as Linkerd's `linkerd-await` waits. */
const STARTUP_ATTEMPTS = 120;

/** Applies the redirection and exits. User 0 with one capability: file capabilities of another user do nothing under no_new_privs. */
export function initContainer(settings: ProxySettings): Container {
  return {
    name: INIT_CONTAINER,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    args: ['init'],
    env: initEnvironment(settings),
    resources: settings.resources,
    securityContext: {
      ...HARDENED,
      capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      runAsGroup: 0,
      // Said outright, for a pod may ask for non-root users in general.
      runAsNonRoot: false,
      runAsUser: 0,
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: INIT_MOUNTS,
  };
}

/** The proxy, as native sidecar (KEP-753) or as ordinary container. */
export function proxyContainer(settings: ProxySettings, surroundings: Surroundings): Container {
  return {
    name: PROXY_CONTAINER,
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy,
    args: ['run'],
    env: proxyEnvironment(settings, surroundings),
    ports: [
      { name: PROXY_PORT_NAMES.inboundMesh, containerPort: settings.ports.inboundMesh, protocol: 'TCP' },
      { name: PROXY_PORT_NAMES.admin, containerPort: settings.ports.admin, protocol: 'TCP' },
    ],
    resources: settings.resources,
    ...waiting(settings),
    livenessProbe: probe('/live', settings, { initialDelaySeconds: 10, timeoutSeconds: 1 }),
    readinessProbe: probe('/ready', settings, { initialDelaySeconds: 2, timeoutSeconds: 1 }),
    ...(settings.nativeSidecar ? { restartPolicy: 'Always' as const } : {}),
    securityContext: {
      ...HARDENED,
      capabilities: { drop: ['ALL'] },
      ...(settings.gid === 0 ? {} : { runAsGroup: settings.gid }),
      runAsNonRoot: true,
      runAsUser: settings.uid,
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: proxyMounts(settings.source),
  };
}

const HARDENED: Pick<
  SecurityContext,
  'allowPrivilegeEscalation' | 'privileged' | 'readOnlyRootFilesystem' | 'seccompProfile'
> = {
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** What holds the other containers back: the startup probe of a sidecar, or the hook of a first container that the kubelet waits for. */
function waiting(settings: ProxySettings): Pick<Container, 'startupProbe' | 'lifecycle'> {
  if (!settings.await) return {};
  return settings.nativeSidecar
    ? { startupProbe: probe('/ready', settings, { periodSeconds: 1, failureThreshold: STARTUP_ATTEMPTS }) }
    : { lifecycle: { postStart: { exec: { command: [...ENTRYPOINT, 'await'] } } } };
}

function probe(path: string, settings: ProxySettings, timing: Omit<HttpProbe, 'httpGet'>): HttpProbe {
  return { httpGet: { path, port: settings.ports.admin }, ...timing };
}
