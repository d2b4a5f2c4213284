import { serviceMeta } from '../../../proxy-image/contract/policy/meta.ts';
import type { OutboundPolicy } from '../../../proxy-image/contract/policy/outbound.ts';
import type { OutboundProtocol } from '../../../proxy-image/contract/policy/protocol.ts';
import { effectiveBudget } from '../../kinds/service-profile/effective.ts';
import { defaultRules } from './default.ts';
import type { OutboundPort } from './port.ts';
import { profileRules } from './profile.ts';
import { routeRules } from './route-rules.ts';
import type { RuleSource } from './rules.ts';
import { compileSplit } from './split.ts';
import { PolicyTables } from './tables.ts';

/** Who is asked for rules, in order of precedence: the first that has something to say of a port says all (Linkerd: a profile with routes wins). */
const SOURCES: readonly RuleSource[] = [profileRules, routeRules];

/** All that is done with the traffic to one port of a Service. */
export function compilePolicy(
  port: OutboundPort,
  protocol: OutboundProtocol,
  sources: readonly RuleSource[] = SOURCES,
): OutboundPolicy {
  const tables = new PolicyTables();
  const fallback = compileRules(port, tables, sources);
  const streams = compileSplit(port, tables);
  const { namespace, service } = port.name;
  return {
    protocol,
    parent: serviceMeta(namespace, service, port.port.port),
    ...tables.finish(),
    fallback,
    streams,
    retryBudget: effectiveBudget(port.profile),
  };
}

function compileRules(port: OutboundPort, tables: PolicyTables, sources: readonly RuleSource[]): number {
  for (const source of sources) {
    const fallback = source(port, tables);
    if (fallback !== null) return fallback;
  }
  return defaultRules(port, tables);
}
