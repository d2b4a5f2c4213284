import type { VerbRow } from './verb.ts';

/** Every verb, in the order of the help. Its file is loaded when it is called, and not before. */
export const VERBS: readonly VerbRow[] = [
  {
    name: 'profile',
    summary: 'Prints a ServiceProfile made of the description of an API',
    group: 'Workloads:',
    load: async () => (await import('./verbs/profile.ts')).profile,
  },
  {
    name: 'version',
    summary: 'Which version this is, and which one the cluster runs',
    group: 'Other:',
    load: async () => (await import('./verbs/version.ts')).version,
  },
];
