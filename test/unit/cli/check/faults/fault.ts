import type { Scope } from '../../../../../cli/check/registry.ts';
import type { World } from '../world.ts';

/** One small change to the healthy cluster, and what is to be said of it. */
export interface Fault {
  title: string;
  code: string;
  /** `proxy`, which is everything but what is before an installation, where it is not said. */
  scope?: Scope;
  /** Whose workloads are looked at; all where it is not said. */
  namespace?: string;
  plant(world: World): void;
  object: string;
  reason: RegExp;
  remedy: RegExp;
  /** Other codes that rightly come with it. */
  also?: string[];
}
