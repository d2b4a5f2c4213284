import { kubectl } from './kubectl.ts';

/** The operator makes them; they are no part of the manifests. */
export const WEBHOOKS = [
  'mutatingwebhookconfiguration/weft-injector',
  'validatingwebhookconfiguration/weft-validator',
] as const;

const POLL_MS = 500;

/** @throws the error of the last look after the time limit */
export async function waitForWebhooks(limitMs: number): Promise<void> {
  const deadlineMs = Date.now() + limitMs;
  for (;;) {
    try {
      await kubectl(['get', ...WEBHOOKS]);
      return;
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
