import type { Filter as FilterRow } from '../../../contract/policy/filter.ts';
import type { Filtered } from '../../../core/filter/apply.ts';
import type { Rng } from '../../../core/rng.ts';
import type { PolicyEntry, ShareEntry } from '../../../core/state/entries.ts';
import { FAILURES, type Failure } from '../../../http/failures.ts';
import type { RequestView } from '../../../http/message.ts';
import { REPLAY_LIMITS } from '../../../http/replay.ts';
import { loadFilterParts } from '../../../io/filter-parts.ts';
import { DELAY } from '../../call/call-deadlines.ts';
import type { Filtering } from '../../call/filtering.ts';
import type { OutboundClient } from '../../call/outbound-call.ts';
import { Stage } from '../../call/stage.ts';
import type { Attempted } from './attempts.ts';

interface Filterable extends Attempted {
  readonly head: RequestView;
  readonly client: OutboundClient;
  readonly share: ShareEntry | null;
  readonly route: Attempted['route'] & { readonly policy: PolicyEntry };
  filtering: Filtering | null;
  setDeadline(kind: number, delayMs: number): void;
  answer(failure: Failure): void;
  redirect(status: number, location: string): void;
}

/**
 * What the filters of the rule, and of the backend that an attempt goes to, do to the request and its response. The head is prepared here as it goes on, for every
 * attempt: behind this stage nobody needs the one that came.
 */
export class Filter<C extends Filterable> extends Stage<C> {
  /** The filters of a share, before each attempt. */
  readonly ofShare: ShareFilter<C>;
  readonly #rng: Rng;

  constructor(rng: Rng) {
    super();
    this.#rng = rng;
    this.ofShare = new ShareFilter(this, rng);
  }

  run(call: C): void {
    const { exchange, head } = call;
    const entry = call.entry!;
    // Short bodies are kept on every route: an endpoint whose application is gone has not seen them.
    exchange.retain = head.contentLength <= REPLAY_LIMITS.requestBytes;
    exchange.prepare(call.client.extraFor(entry), entry.authority);
    const { filters, distribution } = call.route.policy;
    if (filters.length === 0 && !distribution.isFiltered) this.next.run(call);
    else this.#filter(call, filters);
  }

  #filter(call: C, filters: readonly FilterRow[]): void {
    const { host, target } = call.head;
    const rule = filters.length === 0 ? null : loadFilterParts().applyFilters(filters, { host, target }, this.#rng);
    const request = { host: rule?.host || host, target: rule?.target || target };
    call.filtering = { request, rule, share: null, mirrored: false };
    if (rule === null) this.next.run(call);
    else this.carryOut(call, rule);
  }

  /** At once, or after the delay that is asked for. */
  carryOut(call: C, filtered: Filtered): void {
    if (filtered.delayMs > 0) call.setDeadline(DELAY, filtered.delayMs);
    else this.#goOn(call, filtered);
  }

  due(call: C): void {
    const { rule, share } = call.filtering!;
    this.#goOn(call, share ?? rule!);
  }

  #goOn(call: C, { fail, redirect }: Filtered): void {
    if (fail !== null) {
      const { status, grpcStatus, message } = fail;
      call.answer({ ...FAILURES.injected, status, grpcStatus, text: message || FAILURES.injected.text });
    } else if (redirect !== null) call.redirect(redirect.status, redirect.location);
    else {
      this.#edit(call);
      if (call.filtering!.share === null) this.next.run(call);
      else this.ofShare.next.run(call);
    }
  }

  /** The head of this attempt: as it was prepared, with what rule and share change. */
  #edit({ exchange, filtering }: C): void {
    const { rule, share } = filtering!;
    const target = share?.target || rule?.target || '';
    const host = share?.host || rule?.host || '';
    const changes = [...(rule?.request ?? []), ...(share?.request ?? [])];
    if (target !== '' || host !== '' || changes.length > 0) exchange.head.edit({ target, host, changes });
    else exchange.head.edit(null);
  }

  /** The response head, on its way back: what is nearer to the backend changes it first. */
  responded({ exchange, filtering }: C): void {
    if (filtering === null) return;
    const changes = [...(filtering.share?.response ?? []), ...(filtering.rule?.response ?? [])];
    exchange.responseChanges = changes.length === 0 ? null : changes;
  }
}

/** The filters of the backend that has been drawn. */
export class ShareFilter<C extends Filterable> extends Stage<C> {
  readonly #filter: Filter<C>;
  readonly #rng: Rng;

  constructor(filter: Filter<C>, rng: Rng) {
    super();
    this.#filter = filter;
    this.#rng = rng;
  }

  run(call: C): void {
    const { filtering } = call;
    if (filtering === null) {
      this.next.run(call);
      return;
    }
    const share = loadFilterParts().applyFilters(call.share!.filters, filtering.request, this.#rng);
    filtering.share = share;
    this.#filter.carryOut(call, share);
  }
}
