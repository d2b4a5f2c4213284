import { PROXY_PORTS } from '../../proxy-image/contract/ports.ts';
import type { ControlPlane } from './control-plane.ts';
import { namespace, pod, service, servicePort, slice, sliceEndpoint } from './models.ts';
import { ProxyProcess, type ProxyProcessOptions } from './proxy-process.ts';

export type PodOptions = Required<Pick<ProxyProcessOptions, 'serviceAccount' | 'pod' | 'podIp'>>;

const WEB: PodOptions = { serviceAccount: 'web', pod: 'web-1', podIp: '10.1.0.1' };
const WEB_SERVICE_IP = '10.0.0.1';

/** One pod that is called, `web-1`, behind the Service `web`, and pods `client-<n>` that call it. */
export class WebPair {
  static readonly WEB = WEB;
  static readonly CLIENT: PodOptions = { serviceAccount: 'client', pod: 'client-1', podIp: '10.1.0.2' };
  readonly proxies: ProxyProcess[] = [];
  readonly #serverHost: string;

  /** @param serverHost where the mesh port of `web-1` listens, which is the same in every pod: a loopback address of this run */
  constructor(serverHost: string) {
    this.#serverHost = serverHost;
  }

  /** @param applicationPort of the application of `web-1` */
  put(plane: ControlPlane, applicationPort: number, ...others: PodOptions[]): void {
    plane.put('Namespace', namespace('app'));
    for (const { pod: name, podIp, serviceAccount } of [WEB, WebPair.CLIENT, ...others]) {
      plane.put('Pod', pod(name, podIp, { serviceAccount }));
    }
    plane.put('Service', service('web', WEB_SERVICE_IP, { ports: [servicePort(80, { targetPort: applicationPort })] }));
    const ports = [{ name: 'http', port: applicationPort, protocol: 'TCP' as const }];
    const endpoints = [sliceEndpoint(WEB.podIp, { targetPod: WEB.pod })];
    plane.put('EndpointSlice', slice('web-abc', 'web', endpoints, { ports }));
  }

  /** @param trustAnchors what the pod was injected with, where that is not what `plane` has now */
  start(plane: ControlPlane, options: PodOptions, trustAnchors?: string): ProxyProcess {
    const isServer = options.pod === WEB.pod;
    const inboundListen = `${this.#serverHost}:${PROXY_PORTS.inboundMesh}`;
    const proxy = new ProxyProcess({
      namespace: 'app',
      network: {
        outbound: isServer ? [] : [{ listen: '127.0.0.1:0', destination: `${WEB_SERVICE_IP}:80` }],
        addresses: { [WEB.podIp]: this.#serverHost },
      },
      environment: {
        ...(trustAnchors === undefined ? {} : { trustAnchors }),
        ...(isServer ? { inboundListen } : {}),
      },
      ...options,
    });
    this.proxies.push(proxy);
    return proxy.start(plane);
  }

  async remove(): Promise<void> {
    for (const proxy of this.proxies) await proxy.remove();
  }
}
