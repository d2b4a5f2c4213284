/** Verb `configuration` of the control port: what is in force, a resource an answer. Nothing of it is secret: certificates that are trusted, and what the operator has sent. */
export const CONFIGURATION_VERB = 'configuration';

/** Particulars of the question. */
export interface ConfigurationQuestion {
  /** Whose bodies are wanted; of others only the version is told. `null`: of all. */
  bodies: readonly string[] | null;
}

/** One answer. */
export interface HeldConfiguration {
  /** As on the configuration stream (`keys.ts`). */
  key: string;
  version: string;
  /** `null`: it was not asked for. */
  body: unknown;
}
