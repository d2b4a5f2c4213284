import type { Cluster, PodAccess } from '../cluster/cluster.ts';
import type { ArchiveFile } from './tar.ts';

/** What sections ask. */
export interface Sources {
  cluster: Cluster & PodAccess;
  /** Of the application's objects; `null` = all. */
  namespace: string | null;
  /** What another verb prints, and whether it has found something: it is asked as if it were called. */
  verb(argv: readonly string[]): Promise<{ stdout: string; stderr: string }>;
}

/** A part of the bundle. */
export interface Section {
  title: string;
  /** One that cannot be collected is missing, with its reason, and ends none of the others. */
  collect(sources: Sources): Promise<ArchiveFile[]>;
}
