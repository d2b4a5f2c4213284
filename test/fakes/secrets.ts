import type { SecretContent, SecretStore } from '../../operator/pki/secrets.ts';

/** Secrets of one namespace, shared by as many replicas as a test wants. */
export class MemorySecrets implements SecretStore {
  readonly secrets = new Map<string, SecretContent>();
  /** Names in the order of their creation. */
  readonly created: string[] = [];

  async get(name: string): Promise<SecretContent | null> {
    await Promise.resolve();
    return this.secrets.get(name) ?? null;
  }

  async create(name: string, content: SecretContent): Promise<boolean> {
    await Promise.resolve();
    if (this.secrets.has(name)) return false;
    this.secrets.set(name, content);
    this.created.push(name);
    return true;
  }
}
