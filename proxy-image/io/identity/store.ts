import { WeftError } from '../../contract/errors.ts';
import { readFileIfPresent, writeFileAtomically } from '../control/files.ts';

/** What a container keeps for the next one of the same pod: one file, so that key, certificate and bundle always fit together. */
export interface StoredIdentity {
  keyPem: string;
  identity: string;
  certificateChainPem: string;
  anchorsPem: string;
  notBeforeMs: number;
  notAfterMs: number;
  /** When to ask for the next one. */
  renewAtMs: number;
}

const FILE = 'identity.json';
const TEXTS = ['keyPem', 'identity', 'certificateChainPem', 'anchorsPem'] as const;
const TIMES = ['notBeforeMs', 'notAfterMs', 'renewAtMs'] as const;

export class IdentityStore {
  readonly #path: string;

  constructor(dir: string) {
    this.#path = `${dir}/${FILE}`;
  }

  /**
   * What an earlier container kept; `null` when there is nothing of use (a damaged file is as good as none).
   * @throws WeftError WEFT_IDENTITY_STORE when the file is there and cannot be read
   */
  load(): StoredIdentity | null {
    try {
      const text = readFileIfPresent(this.#path);
      return text === null ? null : parseStored(text);
    } catch (error) {
      throw new WeftError('WEFT_IDENTITY_STORE', this.#path, error);
    }
  }

  /** @throws WeftError WEFT_IDENTITY_STORE */
  save(stored: StoredIdentity): void {
    try {
      writeFileAtomically(this.#path, JSON.stringify(stored));
    } catch (error) {
      throw new WeftError('WEFT_IDENTITY_STORE', this.#path, error);
    }
  }
}

function parseStored(text: string): StoredIdentity | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return isStored(value) ? value : null;
}

function isStored(value: unknown): value is StoredIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return (
    TEXTS.every((name) => typeof fields[name] === 'string') && TIMES.every((name) => Number.isFinite(fields[name]))
  );
}
