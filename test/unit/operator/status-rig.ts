import type { ServiceModel } from '../../../crds/kinds/service/model.ts';
import { reduceService } from '../../../crds/kinds/service/parse.ts';
import { TRAFFIC_SPLIT_ROW } from '../../../crds/kinds/traffic-split/kind.ts';
import type { TrafficSplitModel } from '../../../crds/kinds/traffic-split/model.ts';
import { parseTrafficSplit } from '../../../crds/kinds/traffic-split/parse.ts';
import type { Seen } from '../../../operator/reconcilers/seen.ts';
import { StatusPublisher, type StatusTarget, type TargetKind } from '../../../operator/reconcilers/status-publisher.ts';
import type { ObjectStatus } from '../../../operator/status/condition.ts';
import type { Progress } from '../../../operator/status/programmed.ts';
import { FakeClock } from '../../fakes/clock.ts';

export const KEY = 'shop/web';
export const { signal } = new AbortController();
export const IDLE: Progress = {
  proxies: 0,
  current: 0,
  behind: [],
  sinceMs: 0,
  rejections: [],
  unseen: '',
  patienceMs: 0,
};

export function rawServer(name: string, accessPolicy: string, metadata: object) {
  return {
    metadata: { namespace: 'shop', name, generation: 1, ...metadata },
    spec: { podSelector: {}, port: 80, accessPolicy },
  };
}

export function rawSplit(backends: unknown = [{ service: 'v1', weight: 1 }], metadata: object = {}) {
  return {
    metadata: { namespace: 'shop', name: 'web', uid: 'u1', resourceVersion: '5', generation: 1, ...metadata },
    spec: { service: 'web', backends },
  };
}

export function resourceOf(raw: ReturnType<typeof rawSplit>, status: unknown = undefined): Seen<TrafficSplitModel> {
  const parsed = parseTrafficSplit(raw);
  const meta = { labels: {}, annotations: {}, creationTimestamp: '', ...raw.metadata };
  return { meta: meta as Seen<TrafficSplitModel>['meta'], deleting: false, parsed, status };
}

export function seenService(raw: unknown): Seen<ServiceModel> {
  const model = reduceService(raw);
  return { meta: model.meta, deleting: false, parsed: { model, problems: [] }, status: undefined };
}

/** A publisher whose writes and events are kept. */
export function recordingPublisher(kind: TargetKind = TRAFFIC_SPLIT_ROW) {
  const written: { target: StatusTarget; status: ObjectStatus }[] = [];
  const events: string[] = [];
  const failure: { next: Error | null; nextEvent: Error | null } = { next: null, nextEvent: null };
  const writer = {
    async write(target: StatusTarget, status: ObjectStatus) {
      const error = failure.next;
      failure.next = null;
      if (error !== null) throw error;
      written.push({ target, status });
      return `after ${target.resourceVersion}`;
    },
  };
  const sink = {
    record: async () => {},
    announce: async (_: StatusTarget, event: { type: string; reason: string; note: string }) => {
      const error = failure.nextEvent;
      failure.nextEvent = null;
      if (error !== null) throw error;
      events.push(`${event.type} ${event.reason}: ${event.note}`);
    },
  };
  const clock = new FakeClock();
  return { publisher: new StatusPublisher(kind, writer, sink, clock), written, events, failure, clock };
}
