import type { OutboundPort } from './port.ts';
import type { PolicyTables } from './tables.ts';

/**
 * One kind of object that says what happens to the requests for a port: adds its rules to `tables`, in order of precedence, and returns the index of the policy
 * of requests that none of them matches. `null`: it says nothing of this port, has added nothing, and the next source is asked.
 */
export type RuleSource = (port: OutboundPort, tables: PolicyTables) => number | null;
