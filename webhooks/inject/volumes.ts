import { API_ACCESS_VOLUME, IDENTITY_VOLUME, TOKEN_VOLUME } from '../../crds/kinds/pod/obstacles.ts';
import { ENVIRONMENT } from '../../proxy-image/contract/environment.ts';
import { TOKEN_AUDIENCE } from '../../proxy-image/contract/names.ts';
import type { Volume, VolumeMount } from './kubernetes.ts';

/** Renewed by the kubelet at 80 % of its life. */
const IDENTITY_TOKEN_SECONDS = 86_400;
/** What Kubernetes itself requests for the token of a pod: the few seconds over an hour mark it as such (admission plugin ServiceAccount). */
const API_TOKEN_SECONDS = 3_607;

/** Key, certificate, bundle and last snapshot: a few hundred KiB. Memory counts for the pod, so a bug must not fill it. */
const IDENTITY_SIZE_LIMIT = '16Mi';

export function proxyVolumes(source: 'operator' | 'kubernetes'): Volume[] {
  const volumes: Volume[] = [
    { name: IDENTITY_VOLUME, emptyDir: { medium: 'Memory', sizeLimit: IDENTITY_SIZE_LIMIT } },
    {
      name: TOKEN_VOLUME,
      projected: {
        sources: [
          {
            serviceAccountToken: {
              path: fileName(ENVIRONMENT.tokenFile.fallback),
              expirationSeconds: IDENTITY_TOKEN_SECONDS,
              audience: TOKEN_AUDIENCE,
            },
          },
        ],
      },
    },
  ];
  return source === 'kubernetes' ? [...volumes, apiAccessVolume()] : volumes;
}

/** Direct mode talks to the API server itself: the three files of a service account, whatever `automountServiceAccountToken` says. */
function apiAccessVolume(): Volume {
  return {
    name: API_ACCESS_VOLUME,
    projected: {
      sources: [
        { serviceAccountToken: { path: 'token', expirationSeconds: API_TOKEN_SECONDS } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
      ],
    },
  };
}

/**
 * The application's token for the API server is not for us: admission puts it into every container that has nothing at this path
 * (plugin ServiceAccount, which runs again after injection), so there is something.
 */
const NO_API_TOKEN: VolumeMount = { name: TOKEN_VOLUME, mountPath: ENVIRONMENT.accountDir.fallback, readOnly: true };

export const INIT_MOUNTS: VolumeMount[] = [NO_API_TOKEN];

export function proxyMounts(source: 'operator' | 'kubernetes'): VolumeMount[] {
  return [
    { name: IDENTITY_VOLUME, mountPath: ENVIRONMENT.identityDir.fallback },
    { name: TOKEN_VOLUME, mountPath: directory(ENVIRONMENT.tokenFile.fallback), readOnly: true },
    source === 'kubernetes' ? { ...NO_API_TOKEN, name: API_ACCESS_VOLUME } : NO_API_TOKEN,
  ];
}

function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function directory(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
