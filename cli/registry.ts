import type { VerbRow } from './verb.ts';

/** Every verb, in the order of the help. Its file is loaded when it is called, and not before. */
export const VERBS: readonly VerbRow[] = [
  {
    name: 'version',
    summary: 'Which version this is, and which one the cluster runs',
    group: 'Other:',
    load: async () => (await import('./verbs/version.ts')).version,
  },
];
