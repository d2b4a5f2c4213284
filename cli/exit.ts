/** What the command ends with: `findings` is also any failure that is neither of the others. */
export const EXIT = { ok: 0, findings: 1, usage: 2, unreachable: 3 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
