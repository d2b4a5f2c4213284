import { CLIENTS, type Client } from './world.ts';

interface Pod {
  metadata: { name: string; namespace: string };
  status: { podIP?: string };
}

/**
 * Addresses of the clients' pods, of all pods of the cluster. Others may have their names: the demonstration has an `outsider` too.
 * @throws where the pod of a client is not there, or has no address yet
 */
export function addressesOf(pods: readonly Pod[]): (client: Client) => string {
  return (client) => {
    const { pod: name, namespace } = CLIENTS[client];
    const found = pods.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
    const address = found?.status.podIP ?? '';
    if (address === '') throw new Error(`pod ${namespace}/${name} has no address`);
    return address;
  };
}
