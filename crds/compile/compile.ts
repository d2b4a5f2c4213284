import { formatKey, parseKey, type ResourceKey } from '../../proxy-image/contract/keys.ts';
import type { ResourceBody } from '../../proxy-image/contract/resources.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import type { ObjectRefText } from '../state/object-ref.ts';
import { newestRevision } from '../state/order.ts';
import { recording } from '../state/recording.ts';
import type { ClusterView, ReadKey } from '../state/view.ts';
import { compileEndpoints } from './endpoints.ts';
import { compileWorkload } from './inbound/workload.ts';
import { compileService } from './service.ts';
import type { Unsourced } from './shared/unsourced.ts';
import { compileTrust } from './trust.ts';
import { contentVersion } from './version.ts';

/** One compiled resource, as it is cached and sent. */
export interface Compiled {
  body: ResourceBody;
  /** The body as JSON, `sources` included. */
  text: string;
  /** Hash of the body without `sources`: a touched object that changes nothing makes no new version. */
  version: string;
  sources: string;
  /** Keys that the body names; they must be known before it is. */
  names: readonly string[];
}

export interface Compilation {
  /** `null`: there is nothing to say yet (the pod or the trust bundle is not known). */
  compiled: Compiled | null;
  reads: ReadonlySet<ReadKey>;
  uses: ReadonlySet<ObjectRefText>;
  /** A defect of the compiler met by these objects: `compiled` is null then, and the last state stays in force. */
  failure: Error | null;
}

/**
 * Compiles the resource of `key` for clients of `clientNamespace` (see `destinationView`); pure over the state. `sourcesFloor` is the
 * `sources` of an earlier compilation: what it has once been made from, it never looks older than.
 */
export function compile(
  state: ClusterState,
  key: ResourceKey,
  clientNamespace: string,
  sourcesFloor = '0',
): Compilation {
  const record = recording(state);
  const { reads, uses } = record;
  try {
    const body = compileBody(record.view, key, clientNamespace);
    const sources = newestRevision(sourcesFloor, record.sources());
    return { compiled: body === null ? null : finish(body, sources), reads, uses, failure: null };
  } catch (error) {
    // One object that we cannot cope with must not end the operator, and with it the configuration of everybody else.
    return { compiled: null, reads, uses, failure: error instanceof Error ? error : new Error(String(error)) };
  }
}

function compileBody(view: ClusterView, key: ResourceKey, clientNamespace: string): Unsourced<ResourceBody> | null {
  switch (key.kind) {
    case 'workload':
      return compileWorkload(view, key.namespace, key.pod);
    case 'service':
      return compileService(view, key, clientNamespace);
    case 'endpoints':
      return compileEndpoints(view, key);
    case 'trust':
      return compileTrust(view);
  }
}

function finish(unsourced: Unsourced<ResourceBody>, sources: string): Compiled {
  const content = JSON.stringify(unsourced);
  const body: ResourceBody = { ...unsourced, sources };
  return {
    body,
    text: `${content.slice(0, -1)},"sources":${JSON.stringify(sources)}}`,
    version: contentVersion(content),
    sources,
    names: namesIn(body),
  };
}

function namesIn(body: ResourceBody): readonly string[] {
  if (!('type' in body) || body.type !== 'service') return [];
  const { backends } = body.policy;
  return [...new Set(backends.flatMap(({ dispatch }) => (dispatch.type === 'balance' ? [dispatch.endpoints] : [])))];
}

/** The one spelling of a key, or `null` when the text is no key: `[FD00::1]:080` and the like must not become entries of their own. */
export function canonicalKey(text: string): { key: ResourceKey; text: string } | null {
  const key = parseKey(text);
  return key === null || formatKey(key) !== text ? null : { key, text };
}
