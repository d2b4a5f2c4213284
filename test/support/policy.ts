import type { RequestMatch } from '../../proxy-image/contract/policy/match.ts';
import type { PortPolicy } from '../../proxy-image/contract/resources.ts';
import { compilePolicy } from '../../proxy-image/core/policy/compile.ts';
import type { PortPolicyEntry } from '../../proxy-image/core/policy/policy.ts';
import { RateLimiter } from '../../proxy-image/core/policy/rate-limit.ts';
import { CompiledRules } from '../../proxy-image/core/policy/rules.ts';
import { compileMatch } from '../../proxy-image/core/route/match.ts';
import { compileProfile } from '../../proxy-image/core/route/profile.ts';
import type { RequestFacts } from '../../proxy-image/core/route/request.ts';
import { regexEngine } from '../unit/core/fixtures.ts';

/** A policy as a port of a proxy has it. */
export function entryOf(policy: PortPolicy, { port = 8080, opaque = false } = {}): PortPolicyEntry {
  const rules = policy.rules.map((rule) => ({ ...rule, understood: true }));
  return compilePolicy(policy, {
    port,
    opaque,
    routes: compileProfile('', [], regexEngine).table,
    rules:
      rules.length === 0
        ? null
        : new CompiledRules({ ...policy, rules }, (match: RequestMatch) => compileMatch(match, regexEngine).match),
    limiter: policy.rateLimit && new RateLimiter(policy.rateLimit),
  });
}

export interface Asked {
  isGrpc?: boolean;
  absoluteForm?: boolean;
  host?: string;
  /** Names in lower case. */
  headers?: Readonly<Record<string, string>>;
}

/** A request as policy sees it. */
export function asking(method: string, target: string, more: Asked = {}): RequestFacts {
  const { isGrpc = false, absoluteForm = false, host = 'web', headers = {} } = more;
  return { method, target, isGrpc, absoluteForm, host, joined: (name) => headers[name] ?? null };
}
