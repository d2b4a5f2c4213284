import type { SecretContent, SecretStore, StoredSecret } from '../../operator/pki/secrets.ts';

/**
 * Secrets of one namespace, shared by as many replicas as a test wants. What a test puts into `secrets` is a person's; what the code under
 * test creates carries the operator's labels, until a person replaces it.
 */
export class MemorySecrets implements SecretStore {
  readonly secrets = new Map<string, SecretContent>();
  /** Names in the order of their creation. */
  readonly created: string[] = [];
  /** Names in the order in which they were replaced. */
  readonly replaced: string[] = [];
  /** Clock of the API server. */
  serverMs: () => number = () => 0;
  readonly #versions = new Map<SecretContent, string>();
  readonly #labelled = new WeakSet<SecretContent>();

  async get(name: string): Promise<StoredSecret | null> {
    await Promise.resolve();
    const content = this.secrets.get(name);
    if (content === undefined) return null;
    const isLabelled = this.#labelled.has(content);
    return { ...content, resourceVersion: this.#versionOf(content), isLabelled, serverMs: this.serverMs() };
  }

  async create(name: string, content: SecretContent): Promise<boolean> {
    await Promise.resolve();
    if (this.secrets.has(name)) return false;
    this.label(content);
    this.secrets.set(name, content);
    this.created.push(name);
    return true;
  }

  async replace(name: string, content: SecretContent, resourceVersion: string): Promise<boolean> {
    await Promise.resolve();
    const present = this.secrets.get(name);
    if (present === undefined || this.#versionOf(present) !== resourceVersion) return false;
    const merged = { ...content, data: { ...present.data, ...content.data } };
    if (this.#labelled.has(present)) this.label(merged);
    this.secrets.set(name, merged);
    this.replaced.push(name);
    return true;
  }

  /** Gives it the operator's labels, as `kubectl apply` over an object of the operator leaves them. */
  label(content: SecretContent): void {
    this.#labelled.add(content);
  }

  #versionOf(content: SecretContent): string {
    const version = this.#versions.get(content) ?? String(this.#versions.size + 1);
    this.#versions.set(content, version);
    return version;
  }
}
