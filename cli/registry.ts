import type { VerbRow } from './verb.ts';

/** Every verb, in the order of the help. Its file is loaded when it is called, and not before. */
export const VERBS: readonly VerbRow[] = [
  {
    name: 'install',
    summary: 'Print or apply the definitions and the control plane',
    group: 'Installation:',
    load: async () => (await import('./verbs/install.ts')).install,
  },
  {
    name: 'upgrade',
    summary: 'The same for the installation that the cluster has',
    group: 'Installation:',
    load: async () => (await import('./verbs/upgrade.ts')).upgrade,
  },
  {
    name: 'uninstall',
    summary: 'Print or remove the control plane',
    group: 'Installation:',
    load: async () => (await import('./verbs/uninstall.ts')).uninstall,
  },
  {
    name: 'prune',
    summary: 'Print or remove what an earlier version has left',
    group: 'Installation:',
    load: async () => (await import('./verbs/prune.ts')).prune,
  },
  {
    name: 'inject',
    summary: 'Give the pods of a manifest a proxy',
    group: 'Workloads:',
    load: async () => (await import('./verbs/inject.ts')).inject,
  },
  {
    name: 'uninject',
    summary: 'Take out of a manifest what inject has put in',
    group: 'Workloads:',
    load: async () => (await import('./verbs/uninject.ts')).uninject,
  },
  {
    name: 'profile',
    summary: 'Print a ServiceProfile made of the description of an API',
    group: 'Workloads:',
    load: async () => (await import('./verbs/profile.ts')).profile,
  },
  {
    name: 'stat',
    summary: 'Show success, rate and latency of requests',
    group: 'Observability:',
    load: async () => (await import('./verbs/stat.ts')).stat,
  },
  {
    name: 'stat-inbound',
    summary: 'The same of what workloads have taken, by Server and route',
    group: 'Observability:',
    load: async () => (await import('./verbs/stat-inbound.ts')).statInbound,
  },
  {
    name: 'stat-outbound',
    summary: 'And of what they have sent, by Service, route and backend',
    group: 'Observability:',
    load: async () => (await import('./verbs/stat-outbound.ts')).statOutbound,
  },
  {
    name: 'routes',
    summary: 'Show success, rate and latency by the routes of a Service',
    group: 'Observability:',
    load: async () => (await import('./verbs/routes.ts')).routes,
  },
  {
    name: 'edges',
    summary: 'Show who is connected to whom, and whether by mutual TLS',
    group: 'Observability:',
    load: async () => (await import('./verbs/edges.ts')).edges,
  },
  {
    name: 'authz',
    summary: 'Show what authorizes requests to a resource, and what they came to',
    group: 'Observability:',
    load: async () => (await import('./verbs/authz.ts')).authz,
  },
  {
    name: 'endpoints',
    summary: 'Print the addresses that proxies are told of for a destination',
    group: 'Observability:',
    load: async () => (await import('./verbs/endpoints.ts')).endpoints,
  },
  {
    name: 'identity',
    summary: 'Print the certificates that proxies show to their peers',
    group: 'Observability:',
    load: async () => (await import('./verbs/identity.ts')).identity,
  },
  {
    name: 'metrics',
    summary: 'Print the metrics of proxies, or of the operator, as they are',
    group: 'Observability:',
    load: async () => (await import('./verbs/metrics.ts')).metrics,
  },
  {
    name: 'check',
    summary: 'Find what is wrong with the cluster, the control plane, the mesh',
    group: 'Health:',
    load: async () => (await import('./verbs/check.ts')).check,
  },
  {
    name: 'proxy-status',
    summary: 'Show which proxies are connected, and what each has beside what it should have',
    group: 'Health:',
    load: async () => (await import('./verbs/proxy-status.ts')).proxyStatus,
  },
  {
    name: 'diagnostics',
    summary: 'Write an archive with what is needed to find out what is wrong',
    group: 'Health:',
    load: async () => (await import('./verbs/diagnostics.ts')).diagnostics,
  },
  {
    name: 'completion',
    summary: 'Print a script that completes words in a shell',
    group: 'Other:',
    load: async () => (await import('./verbs/completion.ts')).completion,
  },
  {
    name: 'version',
    summary: 'Print which version this is, and which one the cluster runs',
    group: 'Other:',
    load: async () => (await import('./verbs/version.ts')).version,
  },
];
