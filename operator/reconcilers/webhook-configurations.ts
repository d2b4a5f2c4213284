import type { Outcome } from '../runtime/controller.ts';

/** One webhook configuration as `webhooks/configurations.ts` writes it. */
export interface OwnedConfiguration {
  kind: string;
  metadata: object & { name: string };
  webhooks: readonly unknown[];
}

export interface ConfigurationDependencies {
  /** null while there is no CA that the API server could check us by. */
  wanted(): Promise<readonly OwnedConfiguration[] | null>;
  /** Creates, repairs, and does nothing where all is as it should be. */
  apply(configuration: OwnedConfiguration, signal: AbortSignal): Promise<void>;
}

/** Somebody may delete or edit what we own; events tell of the mutating one, this of the other. */
const REPAIR_MS = 60_000;
/** The CA is made within moments of the first start. */
const WAIT_MS = 500;

export async function reconcileConfigurations(
  { wanted, apply }: ConfigurationDependencies,
  signal: AbortSignal,
): Promise<Outcome> {
  const configurations = await wanted();
  if (configurations === null) return { requeueAfterMs: WAIT_MS };
  for (const configuration of configurations) await apply(configuration, signal);
  return { requeueAfterMs: REPAIR_MS };
}
