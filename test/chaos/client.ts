import { serviceAccountIdentity } from '../../proxy-image/contract/names.ts';
import { ProxyClient } from '../integration/serve/proxy-client.ts';
import { createLeaf, type TestAuthority, type TestCertificate } from '../support/certificates.ts';
import { NAMESPACE } from './objects.ts';
import type { Replica } from './replica.ts';

const SUFFIX = 'linkerd.cluster.local';

/** A proxy of one pod, as far as the configuration stream goes; it comes again with what it holds, as a proxy does. */
export class Client {
  readonly #authority: TestAuthority;
  readonly #leaf: TestCertificate;
  readonly #pod: string;
  readonly #keys = new Set<string>();
  #stream: ProxyClient | null = null;

  constructor(authority: TestAuthority, pod: string) {
    this.#authority = authority;
    this.#leaf = createLeaf(authority, serviceAccountIdentity('default', NAMESPACE, SUFFIX));
    this.#pod = pod;
  }

  /** null while it has no connection. */
  get stream(): ProxyClient | null {
    return this.#stream?.closed === false ? this.#stream : null;
  }

  subscribe(key: string): void {
    this.#keys.add(key);
    this.stream?.send({ type: 'subscribe', keys: [key] });
  }

  /** Connects to the replica unless it is connected. Resolves with whether it is. */
  async connect(replica: Replica): Promise<boolean> {
    if (this.stream !== null) return true;
    const { port } = replica;
    if (port === undefined) return false;
    try {
      const { anchorsPem } = this.#authority;
      const { keyPem, chainPem } = this.#leaf;
      const serverName = serviceAccountIdentity('weft-operator', 'weft-system', SUFFIX);
      const stream = await ProxyClient.connect({ port, anchorsPem, keyPem, chainPem, serverName });
      const held = this.#stream;
      for (const [key, value] of held?.held ?? []) stream.held.set(key, value);
      stream.hello(NAMESPACE, this.#pod, held?.heldKeys() ?? []);
      stream.send({ type: 'subscribe', keys: [...this.#keys] });
      this.#stream = stream;
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await this.#stream?.close();
  }
}
