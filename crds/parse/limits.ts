/**
 * Upper bounds of lists and texts in custom resources. The manifests (`manifest.yaml` of each) carry the same numbers, a test compares them; the parser
 * repeats them because an object may be stored by another installation's manifests. They lie far above real use: an object of etcd has 1.5 MB.
 */
export const LIMITS = {
  routes: 1_000,
  routeName: 1_024,
  /** Direct children of one `all`, `any` or `not`. */
  matchChildren: 128,
  /** Nesting of `all`, `any` and `not`. */
  matchDepth: 16,
  responseClasses: 64,
  dstOverrides: 128,
  opaquePorts: 1_000,
  backends: 128,
  trafficMatches: 128,
  networks: 256,
  exceptions: 256,
  identities: 1_024,
  serviceAccounts: 1_024,
  authenticationRefs: 16,
  overrides: 256,
  matchLabels: 64,
  matchExpressions: 64,
  selectorValues: 256,
  clusterNetworks: 64,
  redactHeaders: 64,
  parentRefs: 32,
  hostnames: 16,
  routeRules: 128,
  routeMatches: 64,
  headerMatches: 16,
  filters: 16,
  headerChanges: 64,
  retryCodes: 200,
} as const;

/** Largest weight of a backend, as written; sums of 128 in thousandths stay exact integers. */
export const MAX_WEIGHT = 1_000_000_000;

/**
 * All patterns of one profile or route together, as `PathRegex.cost`: half a second of one processor, for the webhook and for each proxy that gets
 * them. A thousand routes of ordinary patterns come to a fifth of it.
 */
export const MAX_PATTERN_COST = 500_000;
