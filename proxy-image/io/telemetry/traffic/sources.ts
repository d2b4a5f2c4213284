import type { ObjectLabel } from '../../../contract/resources.ts';
import { BUCKETS, COUNTER, COUNTERS, FIRST_BUCKET } from '../../../contract/traffic/counters.ts';
import type { Column } from '../column.ts';
import type { ProxyRecorder } from '../proxy-recorder.ts';
import { type CountedResponses, FAILURE, GRPC } from '../response-families.ts';
import { OVERFLOW } from '../series-table.ts';
import type { GrowthSource } from './growth.ts';
import { acceptedLabels, dialledLabels, judgedLabels, overflowLabels } from './series-labels.ts';

/** What is reported of the recorder. `serverOf`: the Server of a port, now. */
export function sourcesOf(recorder: ProxyRecorder, serverOf: (port: number) => ObjectLabel): GrowthSource[] {
  return [judgedRequests(recorder), judgedConnections(recorder), connections(recorder, serverOf)];
}

/** Linkerd: `response_total` of the inbound side, by client, Server, route and authorization; `inbound_http_authz_deny_total` and its like. */
function judgedRequests({ inbound, authorizations, routeNotFound, limited }: ProxyRecorder): GrowthSource {
  return {
    table: inbound.counted.table,
    overflow: overflowLabels('inbound', 'requests'),
    labelsOf: (labels) => judgedLabels('requests', labels),
    read(totals) {
      readResponses(inbound.counted, totals);
      readCounts(authorizations.http.deny.counts, COUNTER.denied, totals);
      readCounts(routeNotFound.counts, COUNTER.notRouted, totals);
      readCounts(limited.counts, COUNTER.limited, totals);
    },
  };
}

/** `inbound_tcp_authz_deny_total`: those that were let in are counted as connections. */
function judgedConnections({ inbound, authorizations }: ProxyRecorder): GrowthSource {
  return {
    table: inbound.counted.table,
    overflow: overflowLabels('inbound', 'connections'),
    labelsOf: (labels) => judgedLabels('connections', labels),
    read: (totals) => readCounts(authorizations.tcp.deny.counts, COUNTER.denied, totals),
  };
}

/** The `tcp_*` families: of both connections that a proxy has for one of its pod, that to the other side. */
function connections({ transports }: ProxyRecorder, serverOf: (port: number) => ObjectLabel): GrowthSource {
  return {
    table: transports.table,
    // It counts those to the pod's own application too.
    overflow: null,
    isRelabelled: true,
    labelsOf(labels) {
      const side = `${labels.get('direction')} ${labels.get('peer')}`;
      if (side === 'outbound dst') return dialledLabels(labels);
      return side === 'inbound src' ? acceptedLabels(labels, serverOf(Number(labels.get('target_port')))) : null;
    },
    read(totals) {
      const { opened, open, readBytes, writtenBytes } = transports.counted;
      readCounts(opened, COUNTER.opened, totals);
      readCounts(open, COUNTER.open, totals);
      readCounts(readBytes, COUNTER.readBytes, totals);
      readCounts(writtenBytes, COUNTER.writtenBytes, totals);
      for (let series = 0; series < transports.table.end; series++) {
        const start = series * COUNTERS;
        totals[start + COUNTER.closed] = totals[start + COUNTER.opened]! - totals[start + COUNTER.open]!;
      }
    },
  };
}

function readResponses({ outcomes, counts, statuses, latencies }: CountedResponses, totals: Float64Array): void {
  // Of outcomes that found no room nothing is known: who makes up statuses must not hide failures behind them.
  totals[COUNTER.failure]! += counts[OVERFLOW]!;
  addBuckets(totals, 0, latencies.bucketsOf(OVERFLOW));
  for (const { series, code, index } of outcomes) totals[series * COUNTERS + counterOf(code)]! += counts[index]!;
  for (const { series, index } of statuses ?? []) addBuckets(totals, series * COUNTERS, latencies.bucketsOf(index));
}

function addBuckets(totals: Float64Array, start: number, buckets: ArrayLike<number>): void {
  for (let bucket = 0; bucket < BUCKETS; bucket++) totals[start + FIRST_BUCKET + bucket]! += buckets[bucket]!;
}

/** Of the code of an outcome. Nothing is waited for so long here that its time could be over. */
function counterOf(code: number): number {
  if (code % FAILURE === 0) return COUNTER.unanswered;
  return code % GRPC >= FAILURE ? COUNTER.failure : COUNTER.success;
}

function readCounts({ values }: Column, counter: number, totals: Float64Array): void {
  const rows = Math.min(values.length, totals.length / COUNTERS);
  for (let series = 0; series < rows; series++) totals[series * COUNTERS + counter]! += values[series]!;
}
