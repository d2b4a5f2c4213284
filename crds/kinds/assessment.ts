/** One condition's worth: `ok` is its status, `reason` CamelCase, `message` one sentence for a person. */
export interface Finding {
  ok: boolean;
  reason: string;
  message: string;
}

/** What an accepted object comes to (kstatus: done, waiting for something likely to come, needs an edit, overruled). */
export type Outcome =
  | { outcome: 'ready'; message: string }
  | { outcome: 'waiting'; message: string }
  | { outcome: 'invalid'; reason: string; message: string }
  | { outcome: 'conflicted'; message: string };

/** What the cluster says of one object that parsed: pure over a view, so that a recording view tells when to look again. */
export interface Assessment {
  accepted: Finding;
  resolvedRefs: Finding;
  verdict: Outcome;
}

const RESOLVED: Finding = { ok: true, reason: 'ResolvedRefs', message: 'everything it refers to exists' };

export function accepted(message: string, reason = 'Accepted'): Finding {
  return { ok: true, reason, message };
}

/** Accepted, and everything found: `message` says what it does. */
export function ready(message: string, reason = 'Accepted'): Assessment {
  return { accepted: accepted(message, reason), resolvedRefs: RESOLVED, verdict: { outcome: 'ready', message } };
}

/** Accepted, but something that it names is not there (yet). */
export function waiting(reason: string, problems: readonly string[]): Assessment {
  const message = listed(problems);
  return {
    accepted: accepted('the object is valid'),
    resolvedRefs: { ok: false, reason, message },
    verdict: { outcome: 'waiting', message },
  };
}

/** It can never take effect as it is. */
export function invalid(reason: string, message: string): Assessment {
  return {
    accepted: { ok: false, reason, message },
    resolvedRefs: RESOLVED,
    verdict: { outcome: 'invalid', reason, message },
  };
}

/** Another object takes its place. */
export function conflicted(message: string): Assessment {
  return {
    accepted: { ok: false, reason: 'Conflicted', message },
    resolvedRefs: RESOLVED,
    verdict: { outcome: 'conflicted', message },
  };
}

/** A message names so many problems; a split may have hundreds of backends. */
const MAX_LISTED = 5;

export function listed(problems: readonly string[]): string {
  const more = problems.length - MAX_LISTED;
  return problems.slice(0, MAX_LISTED).join('; ') + (more > 0 ? `; and ${more} more` : '');
}
