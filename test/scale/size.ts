/** What the cluster is filled with, and who connects. */
export interface Size {
  services: number;
  endpointsPerService: number;
  profiles: number;
  /** Of each: a split has a Service of the first half of all, a route one of the second. */
  splits: number;
  routes: number;
  /** Half of them ServerAuthorizations, half AuthorizationPolicies, two of them for each Server. */
  authorizations: number;
  namespaces: number;
  /** At the most; a pod of the first endpoints of Services has each. */
  proxies: number;
  servicesPerProxy: number;
}

/** What `make scale` promises to measure. */
export const LARGE: Size = {
  services: 1_000,
  endpointsPerService: 10,
  profiles: 3_000,
  splits: 500,
  routes: 500,
  authorizations: 1_000,
  namespaces: 50,
  proxies: 2_000,
  servicesPerProxy: 20,
};

/** For trying the harness out. */
export const SMALL: Size = {
  services: 100,
  endpointsPerService: 10,
  profiles: 300,
  splits: 50,
  routes: 50,
  authorizations: 100,
  namespaces: 50,
  proxies: 250,
  servicesPerProxy: 20,
};

export interface Load {
  endpointChangesPerSecond: number;
  resourceChangesPerSecond: number;
}

export const LOAD: Load = { endpointChangesPerSecond: 20, resourceChangesPerSecond: 2 };
