import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import { failureOf } from '../runtime/errors.ts';
import type { Look } from './custody.ts';
import { clockProblem } from './renewal.ts';
import {
  asked,
  concluded,
  NOTHING_ASKED,
  ROTATION_PARTS,
  type RotationRecord,
  type RotationValues,
  readRotation,
  toRotationSecret,
} from './rotation-record.ts';
import { ROTATION_SECRET, type SecretStore, type StoredSecret } from './secrets.ts';

/** The record of rotations in its Secret: read by all replicas, written by the leader. */
export class RotationKeeper {
  readonly #store: SecretStore;
  #record: RotationRecord = NOTHING_ASKED;
  /** `null`: there is no Secret. Empty: it was written since it was read. */
  #version: string | null = null;

  constructor(store: SecretStore) {
    this.#store = store;
  }

  /**
   * @param serverMs clock of the API server, milliseconds since the epoch: a point in time that is written cannot be taken back
   * @throws what the store throws
   */
  async look(look: Look, wanted: RotationValues, isNew: boolean, serverMs: number): Promise<RotationRecord> {
    let content: StoredSecret | null;
    try {
      content = await this.#store.get(ROTATION_SECRET);
    } catch (error) {
      if (failureOf(error) !== 'Forbidden') throw error;
      // A Role of before this Secret: everything else of the trust goes on.
      if (ROTATION_PARTS.some((part) => wanted[part] !== '')) look.problems.push(unreadable(error));
      return this.#record;
    }
    this.#version = content?.resourceVersion ?? null;
    try {
      // One that was deleted is put back with the next write: what was carried out is not asked for again.
      if (content !== null) this.#record = readRotation(content);
    } catch (error) {
      look.problems.push(unreadable(error));
      return this.#record;
    }
    const next = asked(this.#record, wanted, look.nowMs, isNew);
    if (next !== this.#record && look.mayWrite && clockProblem(look.nowMs, serverMs) === null) await this.#write(next);
    return this.#record;
  }

  /** What is under way is done. False: somebody else was first. */
  conclude(nowMs: number): Promise<boolean> {
    return this.#write(concluded(this.#record, nowMs));
  }

  async #write(record: RotationRecord): Promise<boolean> {
    const content = toRotationSecret(record);
    const version = this.#version;
    if (version === '') return false;
    const written =
      version === null
        ? await this.#store.create(ROTATION_SECRET, content)
        : await this.#store.replace(ROTATION_SECRET, content, version);
    if (!written) return false;
    this.#record = record;
    this.#version = '';
    return true;
  }
}

function unreadable(error: unknown): ControlPlaneError {
  const detail = error instanceof Error ? error.message : String(error);
  return new ControlPlaneError('WEFT_PKI_SECRET', `${ROTATION_SECRET} ${detail}`);
}
