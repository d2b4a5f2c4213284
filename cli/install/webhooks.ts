import type { Identity } from './object.ts';

const API = 'admissionregistration.k8s.io/v1';

/** The operator makes them; they are no part of the manifests. */
export const WEBHOOKS: readonly Identity[] = [
  { apiVersion: API, kind: 'MutatingWebhookConfiguration', metadata: { name: 'weft-injector' } },
  { apiVersion: API, kind: 'ValidatingWebhookConfiguration', metadata: { name: 'weft-validator' } },
];
