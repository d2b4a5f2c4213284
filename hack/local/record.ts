import type { LocalService } from './addresses.ts';

/** What the embedded node leaves beside a pod's logs, for `exec.ts`. */
export interface PodRecord {
  number: number;
  services: LocalService[];
}
