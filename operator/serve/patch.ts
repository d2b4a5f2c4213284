import { sameValue } from '../../crds/state/same.ts';
import { formatAddress } from '../../proxy-image/contract/keys.ts';
import type { Endpoint } from '../../proxy-image/contract/resources.ts';

type Step = { op: 'add' | 'change'; endpoint: Endpoint } | { op: 'remove' };

/** What turns one list of endpoints into another, by `address:port`. */
export type EndpointDiff = ReadonlyMap<string, Step>;

export interface EndpointPatch {
  added: Endpoint[];
  changed: Endpoint[];
  removed: string[];
}

const NO_STEPS: EndpointDiff = new Map();

export function diffEndpoints(before: readonly Endpoint[], after: readonly Endpoint[]): EndpointDiff {
  const old = new Map(before.map((endpoint) => [idOf(endpoint), endpoint]));
  const steps = new Map<string, Step>();
  for (const endpoint of after) {
    const id = idOf(endpoint);
    const known = old.get(id);
    old.delete(id);
    if (known === undefined) steps.set(id, { op: 'add', endpoint });
    else if (!sameValue(known, endpoint)) steps.set(id, { op: 'change', endpoint });
  }
  for (const id of old.keys()) steps.set(id, { op: 'remove' });
  return steps;
}

function idOf(endpoint: Endpoint): string {
  return formatAddress(endpoint.address, endpoint.port);
}

/** One difference after another, as one. */
export function composeDiffs(first: EndpointDiff, second: EndpointDiff): EndpointDiff {
  const steps = new Map(first);
  for (const [id, step] of second) {
    const composed = composeSteps(first.get(id), step);
    if (composed === null) steps.delete(id);
    else steps.set(id, composed);
  }
  return steps;
}

function composeSteps(first: Step | undefined, second: Step): Step | null {
  if (first === undefined) return second;
  if (second.op === 'remove') return first.op === 'add' ? null : second;
  return { op: first.op === 'add' ? 'add' : 'change', endpoint: second.endpoint };
}

export function patchOf(diff: EndpointDiff): EndpointPatch {
  const patch: EndpointPatch = { added: [], changed: [], removed: [] };
  for (const [id, step] of diff) {
    if (step.op === 'remove') patch.removed.push(id);
    else patch[step.op === 'add' ? 'added' : 'changed'].push(step.endpoint);
  }
  return patch;
}

/** Differences between the last versions of one endpoints resource; enough for proxies that are a few changes behind, older ones get the whole. */
export class PatchHistory {
  static readonly MAX_VERSIONS = 16;
  /** Oldest first; each leads to the base of the next, the last to the present version. */
  #differences: { baseVersion: string; diff: EndpointDiff }[] = [];

  record(baseVersion: string, diff: EndpointDiff): void {
    this.#differences.push({ baseVersion, diff });
    if (this.#differences.length > PatchHistory.MAX_VERSIONS) this.#differences.shift();
  }

  /** From `baseVersion` to the present version; `null` when that is too long ago. */
  since(baseVersion: string): EndpointDiff | null {
    const at = this.#differences.findLastIndex((each) => each.baseVersion === baseVersion);
    if (at < 0) return null;
    return this.#differences.slice(at).reduce<EndpointDiff>((sofar, { diff }) => composeDiffs(sofar, diff), NO_STEPS);
  }
}
