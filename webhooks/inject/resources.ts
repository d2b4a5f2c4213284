import type { AnnotationReader } from '../../crds/annotations/reader.ts';
import { WORKLOAD } from '../../crds/annotations/workload.ts';
import { parseQuantity } from '../../crds/scalars/quantity.ts';

type Amounts = Record<string, string>;

/** `resources` of a container. */
export interface Resources {
  requests?: Amounts;
  limits?: Amounts;
}

interface Row {
  resource: 'cpu' | 'memory' | 'ephemeral-storage';
  request: string;
  limit: string;
}

export function readResources(reader: AnnotationReader, warnings: string[]): Resources {
  const rows: Row[] = [
    {
      resource: 'cpu',
      request: reader.value(WORKLOAD.cpuRequest),
      limit: reader.value(WORKLOAD.cpuLimit),
    },
    {
      resource: 'memory',
      request: reader.value(WORKLOAD.memoryRequest),
      limit: reader.value(WORKLOAD.memoryLimit),
    },
    {
      resource: 'ephemeral-storage',
      request: reader.value(WORKLOAD.ephemeralStorageRequest),
      limit: reader.value(WORKLOAD.ephemeralStorageLimit),
    },
  ];
  const requests: Amounts = {};
  const limits: Amounts = {};
  for (const row of rows) {
    if (row.limit !== '') limits[row.resource] = row.limit;
    if (row.request === '') continue;
    if (row.limit !== '' && thousandths(row.request) > thousandths(row.limit)) {
      // The API server would refuse the pod, and nobody would look for the reason in a namespace's annotation.
      warnings.push(`${row.resource} request ${row.request} of the proxy is ignored: its limit is ${row.limit}`);
    } else {
      requests[row.resource] = row.request;
    }
  }
  return {
    ...(Object.keys(requests).length > 0 ? { requests } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
  };
}

function thousandths(quantity: string): number {
  const parsed = parseQuantity(quantity);
  return parsed.ok ? parsed.value : 0;
}
