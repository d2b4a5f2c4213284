import type { EndpointPool } from '../balance/pool.ts';
import type { LoadRegexEngine } from '../route/engine.ts';
import type { DestinationEntry } from './entries.ts';

/** What building an entry needs beside the resource. */
export interface BuildContext {
  readonly key: string;
  /** That the answer is for. */
  readonly address: { readonly ip: string; readonly port: number };
  readonly version: string;
  readonly previous: DestinationEntry | null;
  readonly nowMs: number;
  readonly loadEngine: LoadRegexEngine;
  pool(key: string): EndpointPool;
}
