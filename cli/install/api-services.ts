import { VIZ_GROUP, VIZ_VERSION } from '../../crds/viz/group.ts';
import { TAP_GROUP, TAP_VERSION } from '../../crds/viz/tap.ts';
import type { Identity } from './object.ts';

/** The operator makes them while it serves them; they are no part of the manifests. */
export const API_SERVICES: readonly Identity[] = [`${VIZ_VERSION}.${VIZ_GROUP}`, `${TAP_VERSION}.${TAP_GROUP}`].map(
  (name) => ({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name },
  }),
);
