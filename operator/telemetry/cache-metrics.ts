import { Counter, Gauge, type Registry } from 'prom-client';
import type { InformerStats } from '../runtime/informer.ts';
import { RESTART_REASONS } from '../runtime/reflector.ts';
import type { ReadinessCheck } from './admin.ts';

/** What is asked of an informer. */
export interface CacheView {
  readonly name: string;
  readonly hasSynced: boolean;
  /** The API server does not serve the kind, and need not. */
  readonly isAbsent: boolean;
  /** Since the API server last said anything about the kind. */
  readonly silentMs: number;
  readonly stats: InformerStats;
}

/** A cache that heard nothing for so long is stale: watches carry a bookmark about once a minute. */
function isStale(cache: CacheView, staleAfterMs: number): boolean {
  return cache.silentMs > staleAfterMs;
}

/** Not ready before the first list, nor while the API server is silent: what is served may then be old. */
export function cacheCheck(cache: CacheView, staleAfterMs: number): ReadinessCheck {
  return {
    name: `cache of ${cache.name}`,
    check() {
      if (!cache.hasSynced && !cache.isAbsent) return 'has not been listed yet';
      if (!isStale(cache, staleAfterMs)) return null;
      return `the API server has been silent for ${Math.round(cache.silentMs / 1000)} s`;
    },
  };
}

/** `weft_cache_*` per kind, and `weft_config_stale_stores`; read at each scrape. */
export function registerCacheMetrics(registry: Registry, caches: readonly CacheView[], staleAfterMs: number): void {
  const gauge = (name: string, help: string, read: (cache: CacheView) => number) => {
    const metric: Gauge<'kind'> = new Gauge({
      name,
      help,
      labelNames: ['kind'],
      registers: [registry],
      collect() {
        for (const cache of caches) metric.set({ kind: cache.name }, read(cache));
      },
    });
  };
  gauge('weft_cache_objects', 'Objects held.', (cache) => cache.stats.size);
  gauge('weft_cache_synced', 'Whether the first list is complete.', (cache) => Number(cache.hasSynced));
  gauge('weft_cache_absent', 'Whether the kind is optional and the API server does not serve it.', (cache) =>
    Number(cache.isAbsent),
  );
  gauge('weft_cache_silent_seconds', 'Since the API server last said anything.', (cache) => cache.silentMs / 1000);
  gauge('weft_cache_stale', 'Whether the API server has been silent for too long.', (cache) =>
    Number(isStale(cache, staleAfterMs)),
  );
  new Gauge({
    name: 'weft_config_stale_stores',
    help: 'Caches whose content may be old.',
    registers: [registry],
    collect() {
      this.set(caches.filter((cache) => isStale(cache, staleAfterMs)).length);
    },
  });
  registerCounters(registry, caches);
}

function registerCounters(registry: Registry, caches: readonly CacheView[]): void {
  const counter = (name: string, help: string, read: (stats: InformerStats) => number) => {
    const metric: Counter<'kind'> = new Counter({
      name,
      help,
      labelNames: ['kind'],
      registers: [registry],
      collect() {
        metric.reset();
        for (const cache of caches) metric.inc({ kind: cache.name }, read(cache.stats));
      },
    });
  };
  counter('weft_cache_lists_total', 'Full lists asked for.', (stats) => stats.lists);
  counter('weft_cache_list_errors_total', 'Lists that failed.', (stats) => stats.listErrors);
  counter('weft_cache_watches_total', 'Watches opened.', (stats) => stats.watches);
  counter('weft_cache_events_total', 'Events received.', (stats) => stats.events);
  counter('weft_cache_missed_events_total', 'Changes that only an audit found.', (stats) => stats.missed);
  counter('weft_cache_handler_errors_total', 'Handlers that threw.', (stats) => stats.handlerErrors);
  counter('weft_cache_unreadable_objects_total', 'Objects that could not be read.', (stats) => stats.transformErrors);
  const restarts = new Counter({
    name: 'weft_cache_watch_restarts_total',
    help: 'Watches that ended, by reason.',
    labelNames: ['kind', 'reason'],
    registers: [registry],
    collect() {
      restarts.reset();
      for (const { name, stats } of caches) {
        for (const reason of RESTART_REASONS) restarts.inc({ kind: name, reason }, stats.restarts[reason]);
      }
    },
  });
}
