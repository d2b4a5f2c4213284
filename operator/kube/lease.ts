import { failureOf } from '../runtime/errors.ts';
import type { LeaseClient, LeaseRecord, VersionedLease } from '../runtime/leader-elector.ts';
import { LEASES, resourcePath } from './resources.ts';
import type { RestClient } from './rest.ts';

interface RawLease {
  metadata?: { resourceVersion?: string };
  spec?: {
    holderIdentity?: string | null;
    leaseDurationSeconds?: number | null;
    acquireTime?: string | null;
    renewTime?: string | null;
    leaseTransitions?: number | null;
  };
}

/** One Lease of `coordination.k8s.io/v1`. */
export function leaseClient(rest: RestClient, namespace: string, name: string): LeaseClient {
  const path = resourcePath(LEASES, namespace, name);
  const body = (record: LeaseRecord, version: string) => toRaw(namespace, name, record, version);
  return {
    async get(signal) {
      try {
        return fromRaw(await rest.json<RawLease>({ method: 'GET', path, signal }));
      } catch (error) {
        if (failureOf(error) === 'NotFound') return null;
        throw error;
      }
    },
    async create(record, signal) {
      const collection = resourcePath(LEASES, namespace);
      return fromRaw(await rest.json<RawLease>({ method: 'POST', path: collection, body: body(record, ''), signal }));
    },
    async update({ record, version }, signal) {
      return fromRaw(await rest.json<RawLease>({ method: 'PUT', path, body: body(record, version), signal }));
    },
  };
}

function fromRaw({ metadata, spec }: RawLease): VersionedLease {
  return {
    version: metadata?.resourceVersion ?? '',
    record: {
      holder: spec?.holderIdentity ?? '',
      durationSeconds: spec?.leaseDurationSeconds ?? 0,
      acquiredMs: millisecondsOf(spec?.acquireTime),
      renewedMs: millisecondsOf(spec?.renewTime),
      transitions: spec?.leaseTransitions ?? 0,
    },
  };
}

function toRaw(namespace: string, name: string, record: LeaseRecord, version: string): object {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace, name, ...(version === '' ? {} : { resourceVersion: version }) },
    spec: {
      holderIdentity: record.holder,
      leaseDurationSeconds: record.durationSeconds,
      acquireTime: microTime(record.acquiredMs),
      renewTime: microTime(record.renewedMs),
      leaseTransitions: record.transitions,
    },
  };
}

/** MicroTime wants six digits; `Date` gives three. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/Z$/, '000Z');
}

function millisecondsOf(text: string | null | undefined): number {
  const parsed = Date.parse(text ?? '');
  return Number.isNaN(parsed) ? 0 : parsed;
}
