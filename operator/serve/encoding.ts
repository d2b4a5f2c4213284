import { bodyOf, type Kept, type Resource } from '../../crds/compile/resource-cache.ts';
import { FRAME_HEADER_BYTES, frameHeader } from '../../proxy-image/contract/framing.ts';
import { REVISION } from '../../proxy-image/contract/messages.ts';
import { olderBody } from '../../proxy-image/contract/older-proxies.ts';
import type { Endpoint } from '../../proxy-image/contract/resources.ts';
import { diffEndpoints, PatchHistory, patchOf } from './patch.ts';

const encoder = new TextEncoder();
const COMMA = encoder.encode(',');
const BATCH_END = encoder.encode(']}');

/**
 * All proxies that are connected get a change within moments of each other. One that comes later is worth encoding anew, a microsecond for each kilobyte: the bytes of
 * every service would take more memory than all that they are made from.
 */
const RECENT_BYTES = 1024 * 1024;

/** Encoded once per version (and per base version for patches), whoever it is for; and once more for proxies of the revision before, where there are any. */
interface Encoded {
  set: Uint8Array | null;
  olderSet: Uint8Array | null;
  patches: Map<string, Uint8Array>;
}

/** The wire form of changes: JSON bytes, shared by all proxies that get the same change. */
export class ChangeEncoder<S> {
  #encoded = new WeakMap<Kept, Encoded>();
  #before = new WeakMap<Kept, Encoded>();
  /** Of what is in `#encoded`. */
  #sizeBytes = 0;
  readonly #histories = new WeakMap<Resource<S>, PatchHistory>();

  /** To be told of every new version, so that patches can be made later. */
  noteChange(resource: Resource<S>, previous: Kept | null): void {
    const before = endpointsOf(previous);
    const after = endpointsOf(resource.compiled);
    if (previous === null || before === null || after === null) return;
    const history = this.#histories.get(resource) ?? new PatchHistory();
    history.record(previous.version, diffEndpoints(before, after));
    this.#histories.set(resource, history);
  }

  /** The smallest change that brings a proxy that knows `revision` from `heldVersion` (empty: it has nothing) to `compiled`. */
  change(resource: Resource<S>, compiled: Kept, heldVersion: string, revision: number): Uint8Array {
    const encoded = this.#of(compiled);
    const known = encoded.patches.get(heldVersion);
    if (known !== undefined) return known;
    const patch = heldVersion === '' ? null : this.#encodePatch(resource, compiled, heldVersion);
    if (patch !== null) {
      encoded.patches.set(heldVersion, this.#note(patch));
      return patch;
    }
    return this.#set(resource, compiled, encoded, revision);
  }

  #set(resource: Resource<S>, compiled: Kept, encoded: Encoded, revision: number): Uint8Array {
    if (revision < REVISION) {
      encoded.olderSet ??= this.#encodeOlder(resource, compiled, encoded);
      return encoded.olderSet;
    }
    encoded.set ??= this.#note(encodeSet(resource.keyText, compiled.version, compiled.text));
    return encoded.set;
  }

  #encodeOlder(resource: Resource<S>, compiled: Kept, encoded: Encoded): Uint8Array {
    const body = bodyOf(compiled);
    const older = olderBody(body);
    if (older === body) return this.#set(resource, compiled, encoded, REVISION);
    return this.#note(encodeSet(resource.keyText, compiled.version, JSON.stringify(older)));
  }

  #of(compiled: Kept): Encoded {
    const known = this.#encoded.get(compiled);
    if (known !== undefined) return known;
    const encoded = this.#before.get(compiled) ?? { set: null, olderSet: null, patches: new Map() };
    this.#encoded.set(compiled, encoded);
    return encoded;
  }

  /** Lets go of what nobody has asked for since as much again was encoded. */
  #note(bytes: Uint8Array): Uint8Array {
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > RECENT_BYTES) {
      this.#before = this.#encoded;
      this.#encoded = new WeakMap();
      this.#sizeBytes = 0;
    }
    return bytes;
  }

  /** `null` when the base is too old, or the patch would not be worth it. */
  #encodePatch(resource: Resource<S>, compiled: Kept, baseVersion: string): Uint8Array | null {
    const diff = this.#histories.get(resource)?.since(baseVersion) ?? null;
    const total = endpointsOf(compiled)?.length ?? 0;
    if (diff === null || diff.size * 2 > total) return null;
    const { version, sources } = compiled;
    const patch = { op: 'patch', key: resource.keyText, baseVersion, version, sources, ...patchOf(diff) };
    return encoder.encode(JSON.stringify(patch));
  }
}

function endpointsOf(compiled: Kept | null): readonly Endpoint[] | null {
  const body = compiled?.body ?? null;
  return body !== null && 'endpoints' in body ? body.endpoints : null;
}

function encodeSet(keyText: string, version: string, text: string): Uint8Array {
  return encoder.encode(`{"op":"set","key":${JSON.stringify(keyText)},"version":"${version}","body":${text}}`);
}

export function encodeDelete(keyText: string): Uint8Array {
  return encoder.encode(JSON.stringify({ op: 'delete', key: keyText }));
}

/** A framed batch in parts: the changes are not copied. */
export function encodeBatch(seq: number, changes: readonly Uint8Array[]): { parts: Uint8Array[]; sizeBytes: number } {
  const parts: Uint8Array[] = [encoder.encode(`{"type":"batch","seq":${seq},"changes":[`)];
  for (const [at, change] of changes.entries()) {
    if (at > 0) parts.push(COMMA);
    parts.push(change);
  }
  parts.push(BATCH_END);
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, 0);
  return { parts: [frameHeader(sizeBytes), ...parts], sizeBytes: sizeBytes + FRAME_HEADER_BYTES };
}
