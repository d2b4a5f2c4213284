/** What the program of the control plane does; each can be a process of its own (docs/operator.md). */
export const OPERATOR_ROLES = ['controllers', 'config', 'identity', 'webhooks', 'viz'] as const;
export type OperatorRole = (typeof OPERATOR_ROLES)[number];
